import { defineConfig } from 'vitest/config'

/** With a real Postgres, which serves every run. */
export default defineConfig({
  test: {
    include: ['test/vault/**/*.test.ts'],
    exclude: [
      // Servers of their own, in which no change is active.
      'test/vault/kill.test.ts',
      'test/vault/replicas.test.ts',
      // Days of outage, a thousand interleavings, every row searched: too long for each single change.
      'test/vault/outages.test.ts',
      'test/vault/forgetting.test.ts',
      'test/vault/canaries.test.ts'
    ],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 15_000,
    hookTimeout: 15_000
  }
})
