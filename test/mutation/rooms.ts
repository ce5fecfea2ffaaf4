/** What is changed, and which tests must notice. */
export interface MutatedRoom {
  readonly mutate: readonly string[]
  readonly testFiles: readonly string[]
  /** With `vitest.config.ts` a real Postgres runs; without it a run is faster by far. */
  readonly vitestConfig: 'vitest.config.ts' | 'test/mutation/vitest.alone.config.ts'
}

const alone = 'test/mutation/vitest.alone.config.ts'
const rulesOfTheVault = ['src/vault/token-state.ts', 'src/vault/flights.ts']

export const mutatedRooms: Readonly<Record<string, MutatedRoom>> = {
  crypto: {
    mutate: ['src/crypto/**/*.ts'],
    testFiles: ['test/crypto/**/*.test.ts'],
    vitestConfig: alone
  },
  'vault-rules': {
    mutate: rulesOfTheVault,
    testFiles: ['test/vault/pure-*.test.ts'],
    vitestConfig: alone
  },
  vault: {
    mutate: ['src/vault/**/*.ts', ...rulesOfTheVault.map((path) => `!${path}`)],
    testFiles: ['test/vault/**/*.test.ts'],
    vitestConfig: 'vitest.config.ts'
  }
}
