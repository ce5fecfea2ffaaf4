import { defineConfig } from 'vitest/config'

/** With a real Postgres, which serves every run. */
export default defineConfig({
  test: {
    include: ['test/vault/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
