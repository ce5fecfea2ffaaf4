import type { SeededGrant, VaultWorld } from '../support/vault-world.ts'

type Named = Pick<SeededGrant, 'grantId'>

/** What refreshes have left behind in the world of the moment, and the call that leaves it. */
export function tracesIn(current: () => VaultWorld) {
  const journalOf = ({ grantId }: Named) =>
    current().sql('SELECT * FROM refresh_journal WHERE grant_id = $1 ORDER BY id', [grantId])
  return {
    ask: ({ grantId }: Named, replica = current().own) =>
      replica.vault.accessToken(current().scope, grantId, 60_000),
    journalOf,
    outcomesOf: async (grant: Named) => (await journalOf(grant)).map(({ outcome }) => outcome),
    eventsOf: ({ grantId }: Named) =>
      current().sql(
        `SELECT action, outcome, code, fabric_id, details FROM audit_events
          WHERE object_kind = 'grant' AND object_id = $1 AND action = 'grant.refresh' ORDER BY seq`,
        [grantId]
      ),
    grantRowOf: async ({ grantId }: Named) =>
      (await current().sql('SELECT * FROM grants WHERE id = $1', [grantId]))[0],
    tokenRowOf: async ({ grantId }: Named) =>
      (await current().sql('SELECT * FROM grant_tokens WHERE grant_id = $1', [grantId]))[0],
    inMs: (ms: number) => new Date(current().clock.now().getTime() + ms)
  }
}
