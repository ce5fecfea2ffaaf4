import { defineConfig } from 'vitest/config'

/** For tests that need nothing but themselves: no Postgres is started. */
export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 30_000 } })
