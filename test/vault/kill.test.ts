import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { canariesIn, textOfDatabase } from '../support/canary.ts'
import type { StopPoint } from '../support/fault-proxy.ts'
import type { Behaviour } from '../support/hostile-authorization-server.ts'
import { type ReplicaProcess, startReplica } from '../support/replicas.ts'
import { createVaultWorld, type SeededGrant, type VaultWorld } from '../support/vault-world.ts'

/** `kill -9` is sent when the point is reached, and nothing that was held gets through afterwards. */
interface Step {
  readonly name: string
  /** In the traffic to the database, … */
  readonly database?: StopPoint
  /** … or to the provider, which has (`acted`) or has not yet spent the token. */
  readonly provider?: 'asked' | 'acted'
  /** Whether the refresh token may have been spent, for all that the next process can know. */
  readonly isUnclear: boolean
  readonly isSpent: boolean
  readonly isKept?: boolean
}

const claims: StopPoint['seen'] = /claim_owner = /
const journals: StopPoint['seen'] = /INSERT INTO .*refresh_journal/
const keeps: StopPoint['seen'] = /refresh_journal"? SET .*answer_sealed/
const projects: StopPoint['seen'] = /grant_tokens"? SET .*refresh_token_sealed/

const steps: Step[] = [
  step('before the claim', { seen: claims, hold: 'request' }),
  step('claim not committed', { seen: journals, hold: 'request' }),
  { ...step('claimed, nothing sent', { seen: journals, hold: 'commit' }), isUnclear: true },
  { name: 'sent, token not spent', provider: 'asked', isUnclear: true, isSpent: false },
  { name: 'token spent, no answer', provider: 'acted', isUnclear: true, isSpent: true },
  {
    ...step('answered, nothing kept', { seen: keeps, hold: 'request' }),
    isUnclear: true,
    isSpent: true
  },
  { ...step('answer kept', { seen: keeps, hold: 'commit' }), isSpent: true, isKept: true },
  {
    ...step('projection not committed', { seen: projects, hold: 'request' }),
    isSpent: true,
    isKept: true
  },
  {
    ...step('projected, caller not told', { seen: projects, hold: 'commit' }),
    isSpent: true,
    isKept: true
  }
]

function step(name: string, database: StopPoint): Step {
  return { name, database, isUnclear: false, isSpent: false }
}

/** What is known of the provider's tokens, and what they are. */
const policies = [
  { name: 'single-use, not known to be', rotate: true, known: null },
  { name: 'single-use, known to be', rotate: true, known: true },
  { name: 'multi-use, not known to be', rotate: false, known: null }
] as const
type Policy = (typeof policies)[number]
type Ending = 'recovered' | 'needs sign-in' | 'wrong'

/** The best that anybody could do who knows no more than the next process does. */
function bestEnding({ isUnclear, isSpent, isKept }: Step, { rotate, known }: Policy): Ending {
  if (!isUnclear || isKept === true || !rotate) return 'recovered'
  return isSpent || known === true ? 'needs sign-in' : 'recovered'
}

const runs = Number(process.env.WEFT_TEST_KILLS ?? 1)
const summary: Record<string, Record<Ending, number>> = {}
let world: VaultWorld
let fabricId: FabricId
let survivor: ReplicaProcess
let spare: Promise<ReplicaProcess>

beforeAll(async () => {
  world = await createVaultWorld()
  fabricId = await world.seedFabric()
  spare = startReplica(world)
  survivor = await startReplica(world)
  await ask(survivor, await world.seedGrant())
}, 120_000)

afterAll(async () => {
  await Promise.all([survivor.stop(), spare.then((process) => process.stop())])
  await world.close()
  const lines = Object.entries(summary).map(
    ([name, { recovered, 'needs sign-in': signIn, wrong }]) =>
      `  ${name.padEnd(28)} recovered ${recovered}  needs sign-in ${signIn}  wrong ${wrong}`
  )
  process.stdout.write(`kill -9 during a refresh, ${runs} runs a step\n${lines.join('\n')}\n`)
}, 120_000)

async function ask(replica: ReplicaProcess, { userId }: SeededGrant) {
  const session = await world.rows.session(world.seeded.tenantId, userId)
  return await replica.ask(session, fabricId)
}

async function killAt(wanted: Step, grant: SeededGrant): Promise<void> {
  const victim = await spare
  spare = startReplica(world)
  // What a process loads once is loaded, so that the point is met on the refresh that counts.
  const warm = async () => (await ask(victim, await world.seedGrant())).status
  await expect.poll(warm, { timeout: 30_000 }).toBe(200)
  const never = new Promise<void>(() => undefined)
  const behaviours: Record<'asked' | 'acted', Behaviour> = {
    asked: { holdBefore: never },
    acted: { holdAfter: never }
  }
  const before = world.server.requests.length
  if (wanted.provider !== undefined) world.server.next(behaviours[wanted.provider])
  const stop = wanted.database === undefined ? null : victim.proxy.stopAt(wanted.database)
  const call = ask(victim, grant).then(
    (answer) => answer.status,
    () => 'cut'
  )
  const reached = stop === null ? world.server.arrived(before + 1) : stop.reached
  const first = await Promise.race([reached.then(() => 'reached'), call])
  expect(first, `${wanted.name} is reached before an answer`).toBe('reached')
  if (wanted.provider === 'acted') {
    await expect.poll(() => world.server.books.presented(grant.refreshToken)).toBe(1)
  }
  await victim.kill()
  expect(await call).toBe('cut')
  expect(canariesIn(victim.output(), world.canaries())).toEqual([])
}

async function endingOf(grant: SeededGrant): Promise<{ ending: Ending; told: unknown }> {
  const answer = await ask(survivor, grant)
  const again = await ask(survivor, grant)
  const row = await world.stateOf(grant.grantId)
  const kept = await world.refreshTokenOf(grant.grantId)
  const presented = world.server.books.presented(grant.refreshToken)
  const told = { status: answer.status, code: answer.code, state: row?.state, cause: row?.cause }
  const isSame = answer.status === again.status && answer.code === again.code
  const isRight = answer.status === 200 && row?.state === 'active' && row.claim_owner === null
  if (isSame && isRight && world.server.books.isAlive(String(kept)) && !grant.family.isRevoked) {
    return { ending: 'recovered', told }
  }
  const isLost = answer.code === 'sign_in_needed' && row?.state === 'needs_sign_in'
  const isTold = row?.cause === 'rotation_lost' && presented <= 2
  return { ending: isSame && isLost && isTold ? 'needs sign-in' : 'wrong', told }
}

describe('kill -9', () => {
  test.each(steps)(
    'F8 G4 $name',
    async (wanted) => {
      const counts: Record<Ending, number> = { recovered: 0, 'needs sign-in': 0, wrong: 0 }
      summary[wanted.name] = counts
      const faults: unknown[] = []
      for (let run = 0; run < runs; run += 1) {
        const policy = policies[run % policies.length] ?? policies[0]
        world.server.rules.rotate = policy.rotate
        await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = $1', [
          policy.known
        ])
        const grant = await world.seedGrant()
        await killAt(wanted, grant)
        await world.expireLease(grant.grantId)
        const { ending, told } = await endingOf(grant)
        const best = bestEnding(wanted, policy)
        const isReplayed =
          policy.known === true && world.server.books.presented(grant.refreshToken) > 1
        counts[ending === best && !isReplayed ? ending : 'wrong'] += 1
        if (ending !== best || isReplayed) {
          faults.push({ policy: policy.name, wanted: best, ending, isReplayed, told })
        }
      }
      world.server.reset()
      expect(faults).toEqual([])
      expect(canariesIn(await textOfDatabase(world.database), world.canaries())).toEqual([])
    },
    runs * 60_000
  )

  test('F8 what a dead process left behind is finished by another’s sweep, without any caller', async () => {
    world.server.rules.rotate = true
    const grant = await world.seedGrant()
    const kept = steps.find(({ name }) => name === 'answer kept')
    expect(kept).toBeDefined()
    if (kept !== undefined) await killAt(kept, grant)
    await world.expireLease(grant.grantId)
    const late = await startReplica(world)
    const settled = { state: 'active', generation: 2, claim_owner: null }
    await expect
      .poll(() => world.stateOf(grant.grantId), { timeout: 30_000 })
      .toMatchObject(settled)
    expect(world.server.books.presented(grant.refreshToken)).toBe(1)
    await late.stop()
  }, 90_000)

  test('F8 a live claim is left alone by every sweep', async () => {
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    const before = world.server.requests.length
    world.server.next({ holdAfter: held.promise })
    const call = ask(survivor, grant)
    await world.server.arrived(before + 1)
    const late = await startReplica(world)
    expect(world.server.books.presented(grant.refreshToken)).toBe(1)
    held.resolve()
    expect((await call).status).toBe(200)
    expect(world.server.books.presented(grant.refreshToken)).toBe(1)
    await late.stop()
  }, 90_000)
})
