import type { VaultWorld } from '../support/vault-world.ts'
import type { Answer, Call, Caller } from './client.ts'
import type { Dice } from './dice.ts'
import type { Findings } from './findings.ts'
import type { Fleet } from './fleet.ts'
import type { Judge } from './judge.ts'
import { type Person, type Place, signIn, type Tenant, workspaceNameOf } from './world.ts'

interface Surroundings {
  readonly world: VaultWorld
  readonly fleet: Fleet
  readonly judge: Judge
  readonly findings: Findings
}

export function askOf({ fabricId }: Place, signal?: AbortSignal): Call {
  const path = `/fabrics/${fabricId}/serving-endpoints/probe/invocations`
  const body = { inputs: [1] }
  return { method: 'POST', path, body, ...(signal === undefined ? {} : { signal }) }
}

/** The workspace says whose token it saw; it has to be the caller's own. */
export function checkHolder(
  findings: Findings,
  answer: Answer | null,
  expected: string,
  { fabricId }: Place
): void {
  if (answer?.status !== 200 || answer.code !== null) return
  const holder = /"as":"([^"]*)"/.exec(answer.text)?.[1]
  if (holder === undefined) return
  findings.count('holder compared')
  if (holder !== expected) {
    findings.violate('a token crossed between users', { holder, expected, fabricId })
  }
  if (answer.headers['x-weft-fabric'] !== fabricId) {
    findings.violate('an answer of another fabric', { fabricId, expected })
  }
}

const habits = { ask: 850, burst: 40, hang_up: 40, look: 30, sign_out: 15 }

/** One person at work until the signal. */
export async function work(
  { world, fleet, judge, findings }: Surroundings,
  person: Person,
  dice: Dice,
  signal: AbortSignal
): Promise<void> {
  const { caller, signedIn } = person
  const call = (who: Caller, what: Call) => fleet.call(dice, who, what)

  async function ask(place: Place): Promise<void> {
    const answer = await call(caller, askOf(place))
    checkHolder(findings, answer, workspaceNameOf(person), place)
    if (answer?.code === 'sign_in_needed') await judge.judgeLost().then(() => lookAgain(place))
  }

  /** Whether the sign-in is really at its end, or a refusal was passing. */
  async function lookAgain(place: Place): Promise<void> {
    const path = `/api/v1/fabrics/${place.fabricId}/connection`
    const answer = await call(caller, { method: 'GET', path })
    if (answer?.status !== 200) return
    const state = /"state":"(\w+)"/.exec(answer.text)?.[1]
    if (state === 'needs_sign_in' || state === 'revoked') signedIn.delete(place)
    // Somebody without a grant is told so by another state; they just signed in or never did.
    if (!(await hasGrant(world, person, place))) signedIn.delete(place)
  }

  async function burst(place: Place): Promise<void> {
    const count = dice.int(8, 20)
    await Promise.all(Array.from({ length: count }, () => ask(place)))
  }

  async function hangUp(place: Place): Promise<void> {
    const leaving = new AbortController()
    const timer = setTimeout(() => leaving.abort(), dice.int(1, 60))
    await call(caller, askOf(place, leaving.signal))
    clearTimeout(timer)
  }

  async function signOut(place: Place): Promise<void> {
    await judge.judgeLost()
    const path = `/api/v1/fabrics/${place.fabricId}/connection`
    const answer = await call(caller, { method: 'DELETE', path })
    signedIn.delete(place)
    findings.count(answer?.status === 204 ? 'signed out' : 'sign-out failed')
    if (answer?.status !== 204) return
    await dice.pause(200, 3_000, signal)
    if (!(await hasGrant(world, person, place))) return
    findings.violate('a sign-out was undone', { userId: person.userId, fabricId: place.fabricId })
  }

  while (!signal.aborted) {
    await dice.pause(50, 600, signal)
    if (signal.aborted) return
    const place = dice.pick(person.places)
    if (!signedIn.has(place)) {
      await judge.judgeLost()
      const isIn = await signIn(call, person, place)
      findings.count(isIn ? 'signed in' : 'sign-in failed')
      if (isIn) signedIn.add(place)
      continue
    }
    const habit = dice.weighted(habits)
    if (habit === 'ask') await ask(place)
    if (habit === 'burst') await burst(place)
    if (habit === 'hang_up') await hangUp(place)
    if (habit === 'look') await lookAgain(place)
    if (habit === 'sign_out') await signOut(place)
  }
}

async function hasGrant(world: VaultWorld, person: Person, place: Place): Promise<boolean> {
  const rows = await world.sql(
    'SELECT id FROM grants WHERE user_id = $1 AND workspace_origin = $2 AND app_connection_id = $3',
    [person.userId, place.provider.origin, place.appConnectionId]
  )
  return rows.length > 0
}

/** A service account at work: every fabric of its tenant, as the fabric's service principal. */
export async function workAlone(
  { fleet, findings }: Surroundings,
  tenant: Tenant,
  dice: Dice,
  signal: AbortSignal
): Promise<void> {
  while (!signal.aborted) {
    await dice.pause(100, 500, signal)
    const place = dice.pick(tenant.places)
    const count = dice.chance(10) ? dice.int(4, 12) : 1
    const calls = Array.from({ length: count }, () =>
      fleet.call(dice, tenant.machine, askOf(place))
    )
    for (const answer of await Promise.all(calls)) {
      checkHolder(findings, answer, place.principalId, place)
    }
  }
}
