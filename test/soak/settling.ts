import { textOfDatabase } from '../support/canary.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import type { Call, Caller } from './client.ts'
import { type Dice, pause } from './dice.ts'
import type { Findings } from './findings.ts'
import type { Fleet } from './fleet.ts'
import type { Judge } from './judge.ts'
import { askOf, checkHolder } from './people.ts'
import type { SoakProvider } from './provider.ts'
import { canaryPattern } from './watch.ts'
import { signIn, type Tenant, workspaceNameOf } from './world.ts'

interface Settled {
  readonly world: VaultWorld
  readonly fleet: Fleet
  readonly providers: readonly SoakProvider[]
  readonly tenants: readonly Tenant[]
  readonly judge: Judge
  readonly findings: Findings
  readonly dice: Dice
}

/** A lease, a sweep, and time for both to be late. */
const claimsEndMs = 75_000
const pollMs = 500

/** Claims of processes that were killed are looked after by the sweep, without any caller. */
async function waitForClaims({ world, findings }: Settled): Promise<void> {
  const startedMs = performance.now()
  const claimed = () =>
    world.sql<{ id: string; state: string; since: Date }>(
      `SELECT g.id, g.state, t.claim_expires_at AS since FROM grants g
         JOIN grant_tokens t ON t.grant_id = g.id WHERE t.claim_owner IS NOT NULL`
    )
  while (performance.now() - startedMs < claimsEndMs) {
    if ((await claimed()).length === 0) return
    await pause(pollMs)
  }
  findings.violate('a claim outlives its lease and the sweep', await claimed())
}

/** Brings forward what would be tried within a quarter of an hour, as time would. */
async function passTime({ world }: Settled): Promise<void> {
  await world.sql('UPDATE grants SET next_try_at = now() WHERE next_try_at > now()')
  await world.sql(
    'UPDATE app_connections SET fault_next_try_at = now() WHERE fault_next_try_at > now()'
  )
  await world.sql('UPDATE tenants SET version = version + 1')
}

const triesMax = 20
/** A connection that broke in the storm may be noticed as late as now. */
const signInsMax = 10

/** Everybody who was not asked to sign in is served, on every process, as themself. */
async function callEverything(settled: Settled): Promise<void> {
  const { fleet, tenants, findings, dice, judge, providers } = settled
  await judge.judgeLost()
  for (const { server } of providers) server.books.killAccessTokens()

  async function served(
    caller: Caller,
    call: Call,
    name: string,
    hasJustSignedIn = false
  ): Promise<'served' | 'signed out'> {
    let told = ''
    let code: string | null = null
    for (let attempt = 0; attempt < triesMax; attempt += 1) {
      const answer = await fleet.call(dice, caller, call)
      const place = placeOf(call)
      if (place !== undefined) checkHolder(findings, answer, name, place)
      if (answer?.status === 200 && answer.code === null) return 'served'
      told = `${answer?.status} ${answer?.code} ${answer?.text.slice(0, 200)}`
      code = answer?.code ?? null
      // Other processes notice a sign-in within seconds.
      if (code === 'sign_in_needed' && !hasJustSignedIn) return 'signed out'
      await pause(pollMs)
    }
    if (code === 'sign_in_needed') return 'signed out'
    findings.violate('calm has come and a call is refused', `${name} ${call.path}: ${told}`)
    return 'served'
  }
  const places = tenants.flatMap((tenant) => tenant.places)
  const placeOf = (call: Call) => places.find(({ fabricId }) => call.path.includes(fabricId))

  for (const tenant of tenants) {
    for (const place of tenant.places) {
      await served(tenant.machine, askOf(place), place.principalId)
      await Promise.all(
        tenant.people.map(async (person) => {
          const name = workspaceNameOf(person)
          const first = await served(person.caller, askOf(place), name)
          if (first === 'served') return findings.count('served in the end')
          await judge.judgeLost()
          findings.count('signed in again in the end')
          const call = (who: Caller, what: Call) => fleet.call(dice, who, what)
          let isIn = false
          for (let attempt = 0; attempt < signInsMax && !isIn; attempt += 1) {
            if (attempt > 0) await pause(pollMs)
            isIn = await signIn(call, person, place)
          }
          const again = isIn ? await served(person.caller, askOf(place), name, true) : 'signed out'
          if (again === 'signed out') {
            const told = `${name} ${place.fabricId} ${isIn ? 'is not noticed' : 'is refused'}`
            findings.violate('calm has come and a sign-in fails', told)
          }
        })
      )
    }
  }
}

async function checkAudit({ fleet, tenants, findings, dice }: Settled): Promise<void> {
  for (const { admin, tenantId } of tenants) {
    const path = '/api/v1/audit-events/verify'
    const answer = await fleet.call(dice, admin, { method: 'GET', path })
    const verdict = /"isIntact":true,"count":(\d+)/.exec(answer?.text ?? '')
    findings.count('audit records', Number(verdict?.[1] ?? 0))
    if (verdict === null)
      findings.violate('the audit chain does not hold', answer?.text ?? tenantId)
  }
}

async function checkRows({ world, findings }: Settled): Promise<void> {
  const text = await textOfDatabase(world.database)
  const line = text.split('\n').find((one) => canaryPattern.test(one))
  if (line === undefined) return
  findings.violate('a token or a secret in a raw column', line.slice(0, line.search(canaryPattern)))
}

/** Once nothing goes wrong any more, everything is as it must be. */
export async function settle(settled: Settled, say: (line: string) => void): Promise<void> {
  const { judge, fleet } = settled
  say('calm: claims of dead processes end')
  await waitForClaims(settled)
  await passTime(settled)
  say('calm: everybody is served')
  await callEverything(settled)
  await judge.judgeLost()
  await judge.judgeRepeats()
  judge.judgeBearers()
  say('calm: audit chain, raw columns, growth')
  await checkAudit(settled)
  await checkRows(settled)
  await fleet.look()
}
