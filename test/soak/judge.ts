import { asId } from '../../src/base/ids.ts'
import { refreshTokenPlace } from '../../src/vault/refresh-projection.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import type { Encounter, Kill } from './encounters.ts'
import type { Findings } from './findings.ts'
import type { SoakProvider } from './provider.ts'
import type { Tenant } from './world.ts'

interface LostRow {
  readonly id: string
  readonly tenant_id: string
  readonly workspace_origin: string
  readonly state: string
  readonly cause: string | null
  readonly generation: number
  readonly sealed: string | null
  /** When owners died with this generation perhaps spent, as the journal has it. */
  readonly abandoned: Date[] | null
}

interface JournalRow {
  readonly outcome: string
  readonly finished_at: Date
}

/** How long a process that claimed a grant may have gone on before it was killed. */
const claimToKillMs = 30_000

/** Compares what Weft says of grants with what the providers' books say. */
export function createJudge(deps: {
  readonly world: VaultWorld
  readonly providers: readonly SoakProvider[]
  readonly tenants: readonly Tenant[]
  readonly kills: readonly Kill[]
  readonly findings: Findings
  readonly nowMs: () => number
}) {
  const { world, providers, tenants, kills, findings, nowMs } = deps
  const judged = new Set<string>()

  /** The run's own clock, of a time of day. */
  const runMsOf = (date: Date) => nowMs() - (world.clock.now().getTime() - date.getTime())

  async function tokenOf(row: LostRow): Promise<string | null> {
    const scope = tenants.find(({ tenantId }) => tenantId === row.tenant_id)?.scope
    if (row.sealed === null || scope === undefined) return null
    const place = refreshTokenPlace(asId('grant', row.id))
    return (await world.own.strongbox.open(scope, place, row.sealed)).reveal()
  }

  function judgeOne(row: LostRow, provider: SoakProvider, token: string): void {
    const { server, ledger, policy, endedFamilies } = provider
    const isAlive = server.books.isAlive(token)
    const encounters = ledger.of(token)
    const losses = encounters.flatMap((one) => ledger.lossesOf(one))
    const plans = encounters.map(({ plan }) => plan)
    const { id, cause, generation } = row
    const told = { id, cause, generation, policy: policy.name, plans, losses }
    findings.count(`lost ${cause}`)
    if (isAlive) {
      // Nobody can know that the process died before it had asked; a single-use token is not risked.
      const isUnasked =
        cause === 'rotation_lost' && policy.known === true && encounters.length === 0
      const isAfterKill = (row.abandoned ?? []).some((startedAt) => {
        const startMs = runMsOf(startedAt)
        return kills.some(({ atMs }) => atMs >= startMs - 1_000 && atMs < startMs + claimToKillMs)
      })
      if (isUnasked && isAfterKill) findings.count('lost to a kill before the token was shown')
      else findings.violate('a grant is lost that the provider still honours', told)
      return
    }
    const family = server.books.familyOf(token) ?? ''
    if (endedFamilies.has(family)) findings.count('lost because the provider ended it')
    else if (isEndedByRepeat(provider, token)) findings.count('lost with an earlier token')
    // Weft itself must have noticed that an answer was lost, but for an error after the deed.
    else if (losses.length === 0 || (cause !== 'rotation_lost' && !losses.includes('error'))) {
      findings.violate('a grant died without a lost answer', told)
    }
  }

  /** How the refreshes of this sign-in went that were under way when the provider acted. */
  async function journalOf(provider: SoakProvider, { token, startMs }: Encounter) {
    const { server, origin } = provider
    const at = new Date(world.clock.now().getTime() - nowMs() + startMs)
    const rows = await world.sql<LostRow & JournalRow>(
      `SELECT g.id, g.tenant_id, t.refresh_token_sealed AS sealed, j.outcome, j.finished_at
         FROM refresh_journal j JOIN grants g ON g.id = j.grant_id
         JOIN grant_tokens t ON t.grant_id = g.id
        WHERE g.workspace_origin = $1 AND j.started_at < $2 AND j.finished_at > $2`,
      [origin, at]
    )
    const own: string[] = []
    let untilMs = startMs
    for (const row of rows) {
      const current = await tokenOf(row)
      if (current === null || server.books.familyOf(current) !== server.books.familyOf(token)) {
        continue
      }
      // Any other end is that of an answer that came, or of a claim whose owner was gone.
      if (row.outcome === 'unknown') untilMs = Math.max(untilMs, runMsOf(row.finished_at))
      own.push(`${row.outcome} after ${row.finished_at.getTime() - at.getTime()} ms`)
    }
    return { untilMs, own }
  }

  /** An earlier refresh token of the same sign-in, shown again after a lost answer, ended them all. */
  function isEndedByRepeat({ server, ledger }: SoakProvider, token: string): boolean {
    const family = server.books.familyOf(token)
    const isLost = (one: Encounter) => ledger.lossesOf(one).length > 0
    return ledger
      .repeated()
      .some(
        ([other, list]) =>
          other !== token &&
          server.books.familyOf(other) === family &&
          list.slice(0, -1).every(isLost)
      )
  }

  return {
    /** Every grant that asks for a sign-in and was not judged in this state before. */
    async judgeLost(): Promise<void> {
      const rows = await world.sql<LostRow & Record<string, unknown>>(
        `SELECT g.id, g.tenant_id, g.workspace_origin, g.state, g.cause, t.generation,
                t.refresh_token_sealed AS sealed,
                (SELECT array_agg(j.started_at) FROM refresh_journal j
                  WHERE j.grant_id = g.id AND j.generation = t.generation
                    AND j.outcome = 'abandoned') AS abandoned
           FROM grants g JOIN grant_tokens t ON t.grant_id = g.id
          WHERE g.kind = 'user' AND g.state IN ('needs_sign_in', 'revoked')`
      )
      for (const row of rows) {
        const key = `${row.id}/${row.generation}`
        const provider = providers.find(({ origin }) => origin === row.workspace_origin)
        if (judged.has(key) || provider === undefined) continue
        judged.add(key)
        const token = await tokenOf(row)
        if (token === null) findings.violate('a grant without a refresh token', row.id)
        else judgeOne(row, provider, token)
      }
    },

    /** A token that was spent and answered is never shown again; one that dies with its use not after a kill. */
    async judgeRepeats(): Promise<void> {
      for (const provider of providers.filter((one) => one.policy.rotate)) {
        const { ledger, policy } = provider
        for (const [, list] of ledger.repeated()) {
          findings.count('token shown again after a lost answer')
          const told = await Promise.all(
            list.map(async (one) => {
              const { untilMs, own } = await journalOf(provider, one)
              const losses = ledger.lossesOf(one, untilMs)
              return { plan: one.plan, startMs: Math.round(one.startMs), losses, own }
            })
          )
          const earlier = told.slice(0, -1)
          if (earlier.some(({ losses }) => losses.length === 0)) {
            findings.violate('a spent token was shown again after its answer had come', told)
          }
          const isKillOnly = earlier.some(({ losses }) => losses.join() === 'kill')
          if (policy.known === true && isKillOnly) {
            findings.violate('a single-use token was shown again after a kill', told)
          }
        }
      }
    },

    /** What a provider was shown it had given out itself. */
    judgeBearers(): void {
      for (const { server, policy } of providers) {
        const own = new Set(server.books.everIssued())
        const foreign = server.apiCalls.filter((bearer) => !own.has(bearer))
        if (foreign.length === 0) continue
        findings.violate('a token at another workspace', `${policy.name}: ${foreign.length}`)
      }
    }
  }
}

export type Judge = ReturnType<typeof createJudge>
