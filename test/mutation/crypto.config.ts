import { defineConfig } from 'vitest/config'

/** No Postgres is started: these tests need nothing but themselves. */
export default defineConfig({ test: { include: ['test/crypto/**/*.test.ts'] } })
