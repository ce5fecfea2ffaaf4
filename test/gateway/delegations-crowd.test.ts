import { afterAll, beforeAll, expect, test } from 'vitest'
import { asId, type FabricId, type UserId } from '../../src/base/ids.ts'
import {
  type Account,
  type Answer,
  createDelegatedWorld,
  type DelegatedWorld
} from './delegated-world.ts'

interface Plan {
  readonly fabricId: FabricId
  readonly bearer: string
  readonly user?: UserId
  readonly actAs?: string
  /** Whom the workspace must see, while it may be; null: Weft refuses it. */
  readonly as: string | null
  /** Of the delegation that it takes. */
  readonly delegation?: string
}

/** `WEFT_CALLS=10000` for the whole number, which takes its minutes. */
const calls = Number(process.env.WEFT_CALLS ?? 2_000)
const endEvery = Math.floor(calls * 0.3)
const atOnce = 48
const seenAs = (user: UserId) => `${user}@workspace.test`
let world: DelegatedWorld
let fabrics: readonly FabricId[]
let accounts: readonly Account[]
let people: readonly UserId[]
let plans: readonly Plan[]
const delegations: string[] = []

/** Each person delegated to each second account, through each second fabric. */
beforeAll(async () => {
  world = await createDelegatedWorld()
  await world.allow(true)
  fabrics = [await world.newFabric(), await world.newFabric()]
  accounts = await Promise.all(Array.from({ length: 6 }, () => world.newAccount(fabrics)))
  people = await Promise.all(Array.from({ length: 6 }, () => world.newPerson()))
  plans = await plansOf()
})
afterAll(() => world?.close())

async function plansOf(): Promise<Plan[]> {
  const made: Plan[] = []
  const { tenantId } = world.seeded
  for (const [p, user] of people.entries()) {
    const own = await world.rows.personalToken(tenantId, user)
    for (const [f, fabricId] of fabrics.entries()) {
      made.push({ fabricId, bearer: own, actAs: '', as: seenAs(user) })
      made.push({ fabricId, bearer: own, user: people[(p + 1) % 6] ?? user, as: null })
      for (const [a, { id, key }] of accounts.entries()) {
        made.push({ fabricId, bearer: key, actAs: '', as: world.principalClientId })
        if ((p + a + f) % 2 === 1) {
          // Of these a few: what is refused is looked up each time.
          if (a === 1) made.push({ fabricId, bearer: key, user, as: null })
          continue
        }
        const parties = { userId: user, serviceAccountId: id, fabricId }
        const delegation = await world.rows.delegation(tenantId, parties)
        delegations.push(delegation)
        made.push({ fabricId, bearer: key, user, as: seenAs(user), delegation })
      }
    }
  }
  return made
}

function faultOf(plan: Plan, wasOver: boolean, isOver: boolean, answer: Answer): string | null {
  const { status, body } = answer
  if (status === 200) {
    if (body.as !== plan.as) return `${plan.as} was asked for, ${body.as} was used`
    return wasOver ? `${plan.delegation} was over, and was used` : null
  }
  if (status !== 403) return `${status} ${body.code}`
  return plan.as === null || isOver ? null : `${plan.as} was refused`
}

test('D5 in thousands of concurrent calls, each is made as whom its caller may act as, and as nobody else', async () => {
  const over = new Set<string>()
  const ending = new Set<string>()
  const faults: string[] = []
  const tally = { made: 0, refused: 0 }
  let next = 0

  /** While calls by it are under way. */
  async function end(id: string): Promise<void> {
    ending.add(id)
    await world.gateway.rooms.identity.delegations.revoke(world.scope, asId('delegation', id))
    over.add(id)
  }

  async function worker(): Promise<void> {
    while (next < calls) {
      const n = next
      next += 1
      if (n % endEvery === endEvery - 1) await end(delegations[ending.size] ?? '')
      const plan = plans[(n * 7_919) % plans.length]
      if (plan === undefined) return
      const { delegation = '' } = plan
      const wasOver = over.has(delegation)
      const answer = await world.ask(plan)
      tally[answer.status === 200 ? 'made' : 'refused'] += 1
      const fault = faultOf(plan, wasOver, ending.has(delegation), answer)
      if (fault !== null) faults.push(fault)
    }
  }

  await Promise.all(Array.from({ length: atOnce }, worker))
  expect([...new Set(faults)]).toEqual([])
  expect(over.size).toBe(3)
  expect(tally.made + tally.refused).toBe(calls)
  expect(tally.made).toBeGreaterThan(calls / 2)
  expect(tally.refused).toBeGreaterThan(calls / 10)
}, 180_000)
