import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { warmPool } from './warm-pool.ts'

/**
 * The quickest first, since the first test that notices a change is the last that is run for it. Left out, since
 * no single change is worth their time or no change is active in them: hours, days and thousands of calls
 * (gateway, service-principals, provider-answers, outages, forgetting, canaries), and servers of their own (kill,
 * replicas).
 */
const testsOfTheVault = [
  'handing-out',
  'records',
  'setbacks',
  'predecessors',
  'credentials',
  'sign-ins',
  'status',
  'strongbox',
  'scoped-tokens',
  'signing-keys',
  'erasing',
  'pure-*',
  'recovery',
  'client-secrets',
  'closing',
  'lost-answers',
  'races',
  'single-flight',
  'database-faults'
].map((name) => `test/vault/${name}.test.ts`)

class AsListed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) =>
      testsOfTheVault.findIndex((path) => moduleId.endsWith(path))
    return files.toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}

/** With a real Postgres, which serves every run. */
export default defineConfig({
  plugins: [
    {
      name: 'warm-pool',
      // Stryker names a pool of Vitest's own, which would start a cold thread for every change.
      configureVitest: ({ project }) => {
        Object.assign(project.config, { pool: warmPool.name, poolRunner: warmPool })
      }
    }
  ],
  test: {
    isolate: false,
    setupFiles: ['test/mutation/fresh-modules.ts'],
    include: testsOfTheVault,
    sequence: { sequencer: AsListed },
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000
  }
})
