import { defineConfig } from 'vitest/config'
import { SpreadFiles } from './test/support/spread-files.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Most files wait for processes and servers more than they compute.
    maxWorkers: 3,
    sequence: { sequencer: SpreadFiles },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What is waited for comes; how soon is a matter of the machine.
    expect: { poll: { timeout: 15_000 } }
  }
})
