import { expect } from 'vitest'
import { auditOf, codeOf, personNamed, type World } from './world.ts'

export const ann = personNamed('ann')

export async function sessionCount(world: World): Promise<number> {
  const [row] = await world.sql<{ count: number }>('SELECT count(*)::int FROM sessions')
  return row?.count ?? 0
}

/** What the audit says of logins to `acme`. */
export function loginsOf(world: World) {
  return auditOf(world, world.acme.tenantId, 'login')
}

/** A login that must not succeed: no session, one refusal on record. */
export async function expectRefused(world: World): Promise<void> {
  const before = { sessions: await sessionCount(world), events: (await loginsOf(world)).length }
  expect(await codeOf(world.login(ann))).toBe('unauthenticated')
  expect(await sessionCount(world)).toBe(before.sessions)
  const events = await loginsOf(world)
  expect(events).toHaveLength(before.events + 1)
  expect(events.at(-1)).toMatchObject({ outcome: 'refused', code: 'unauthenticated' })
}
