const rulesOfTheVault = ['src/vault/token-state.ts', 'src/vault/flights.ts']

/** What is changed in each run; `<name>.config.ts` tells Vitest which tests must notice. */
export const mutatedRooms: Readonly<Record<string, readonly string[]>> = {
  crypto: ['src/crypto/**/*.ts'],
  'vault-rules': rulesOfTheVault,
  vault: ['src/vault/**/*.ts', ...rulesOfTheVault.map((path) => `!${path}`)]
}
