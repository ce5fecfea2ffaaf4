import { defineConfig } from 'vitest/config'

/** With a real Postgres, which serves every run. */
export default defineConfig({
  test: {
    include: ['test/vault/**/*.test.ts'],
    // A change is active in the process of the tests only; and days of outage are too long for every change.
    exclude: [
      'test/vault/kill.test.ts',
      'test/vault/replicas.test.ts',
      'test/vault/gateway.test.ts',
      'test/vault/outages.test.ts'
    ],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000
  }
})
