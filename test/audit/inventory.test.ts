import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditAction } from '../../src/audit/audit.ts'
import { auditInventory } from '../../src/audit/inventory/inventory.ts'
import { readText } from '../house/source.ts'
import { type Cast, createCast } from '../matrix/cast.ts'
import { fingerprint } from '../matrix/database.ts'
import { createAsking, type EventRow, type Recorded, recordedCalls } from './inventory-routes.ts'
import { works } from './inventory-works.ts'

/** What is not driven here, and the tests that drive it and count its records. */
const shownBy: Readonly<Partial<Record<AuditAction, string>>> = {
  login: 'identity/admission',
  'me.switch_tenant': 'identity/sessions',
  'member.join': 'identity/admission',
  'invitation.accept': 'identity/invitations',
  'member.map_groups': 'identity/group-roles',
  'app_connection.register': 'app-connections/registration',
  'app_connection.mend_registration': 'app-connections/registration',
  'app_connection.delete_registration': 'app-connections/registration',
  'federation_policy.register': 'fabrics/federation-policies',
  'sign_in_attempt.finish': 'fabrics/sign-in',
  'connection.put_token': 'fabrics/personal-access-tokens',
  'connection.recovered': 'vault/announcements',
  'service_principal.refused': 'vault/announcements',
  'secret.expiring': 'jobs/secret-expiry',
  'deployment.put': 'fabrics/deployments',
  'deployment_run.create': 'fabrics/deployment-runs',
  'deployment_run.cancel': 'fabrics/deployment-runs',
  'webhook.disable': 'webhooks/failures',
  'data_key.rotate': 'jobs/data-key-rotation',
  'data_key.retire': 'jobs/data-key-rotation',
  'data_key.destroy': 'jobs/data-key-rotation',
  'data_key.rewrap': 'jobs/key-rotation'
}

let cast: Cast
let calls: readonly Recorded[]
let asking: ReturnType<typeof createAsking>
const driven = new Set<AuditAction>()

beforeAll(async () => {
  cast = await createCast()
  calls = await recordedCalls(cast)
  asking = createAsking(cast)
  for (const { prepare } of calls) await prepare?.()
}, 120_000)
afterAll(async () => {
  asking?.close()
  await cast?.platform.close()
})

/** What an event has that the inventory does not say. */
function unlisted({ action, outcome, object_kind, details }: EventRow): string[] {
  const listed = auditInventory[action]
  if (listed === undefined) return [action]
  const { objects, outcomes, details: names } = listed as (typeof auditInventory)['login']
  const has = (words: readonly string[], word: string) => words.includes(word)
  return [
    ...(has(objects, object_kind) ? [] : [`${action}: object ${object_kind}`]),
    ...(has(outcomes, outcome) ? [] : [`${action}: outcome ${outcome}`]),
    ...Object.keys(details)
      .filter((name) => !has(names, name))
      .map((name) => `${action}: details ${name}`)
  ]
}

describe('I4 no record, no action', () => {
  test('where no record can be written, none of these calls succeeds or changes anything', async () => {
    const { world } = cast.platform
    await world.sql('REVOKE INSERT ON audit_events FROM weft_app')
    const before = await fingerprint(world)
    const done: string[] = []
    // A call through a fabric waits for no record.
    const waiting = calls.filter(({ one }) => one.changes && one.route.surface !== 'data')
    expect(waiting.length).toBeGreaterThan(60)
    for (const { name, one } of waiting) {
      const { answer, events } = await asking.ask(one)
      if (answer.status < 500 || events.length > 0) done.push(`${name}: ${answer.status}`)
    }
    await world.sql('GRANT INSERT ON audit_events TO weft_app')
    const after = await fingerprint(world)
    expect(done).toEqual([])
    // The key of marks is made at the first mark, whatever comes of it.
    const changed = Object.keys(after).filter((name) => after[name] !== before[name])
    expect(changed.filter((name) => name !== 'token_mark_keys')).toEqual([])
  }, 120_000)
})

describe('I3 every event of the inventory', () => {
  test('access.deny: a known caller’s denial stands there once, however often it is tried', async () => {
    const member = cast.callers.find(({ name }) => name === 'member of another team')
    const sample = calls.find(({ name }) => name === 'POST /api/v1/service-accounts')
    if (member === undefined || sample === undefined) throw new TypeError('not in the cast')
    const one = { ...sample.one, headers: { ...sample.one.headers, ...member.headers } }
    const [first, again] = [await asking.ask(one), await asking.ask(one)]
    expect([first.answer.status, again.answer.status]).toEqual([403, 403])
    expect(first.events).toMatchObject([
      { action: 'access.deny', outcome: 'refused', details: { via: 'session' } }
    ])
    expect([...first.events.flatMap(unlisted), ...again.events]).toEqual([])
    driven.add('access.deny')
  })

  test('happens once where its route does it, told as the inventory says, with where it came from', async () => {
    const wrong: string[] = []
    for (const { name, one, actions } of calls) {
      const { answer, events } = await asking.ask(one)
      const found = events.map(({ action }) => action)
      if (found.toSorted().join() !== actions.toSorted().join())
        wrong.push(`${name} ${answer.status} ${answer.text.slice(0, 200)}: ${found.join()}`)
      wrong.push(...events.flatMap(unlisted))
      for (const { action, source, credential_id: credential } of events) {
        driven.add(action)
        const isBare = one.headers.authorization === undefined && one.headers.cookie === undefined
        if (source === null) wrong.push(`${name}: no source`)
        if (credential === null && !isBare && action !== 'logout') wrong.push(`${name}: by nothing`)
      }
    }
    expect(wrong).toEqual([])
  }, 120_000)

  test('signing_key.drop stands once in every tenant’s record', async () => {
    const { rooms, world } = cast.platform
    const { keys } = await rooms.identity.signingKeys.published()
    const { tenants } = await rooms.dropSigningKey(keys[0]?.kid ?? '')
    const dropped = await world.sql<EventRow>(
      `SELECT * FROM audit_events WHERE action = 'signing_key.drop'`
    )
    expect(dropped).toHaveLength(tenants)
    expect(dropped.flatMap(unlisted)).toEqual([])
    driven.add('signing_key.drop')
  })

  test.each(works)('happens once where %s', async (_name, work, actions) => {
    const { world } = cast.platform
    const read = () => world.sql<EventRow & { id: string }>('SELECT * FROM audit_events')
    const before = new Set((await read()).map(({ id }) => id))
    const [sample] = calls
    if (sample === undefined) throw new TypeError('there are no calls')
    await work(cast, async (request) => {
      const { answer } = await asking.ask({ ...sample.one, payload: null, ...request })
      return answer
    })
    const events = (await read()).filter(({ id }) => !before.has(id))
    expect(events.map(({ action }) => action).sort()).toEqual(actions)
    expect(events.flatMap(unlisted)).toEqual([])
    for (const { action } of events) driven.add(action)
  })

  test('is driven here or shown by a test that names it, and none is listed for nothing', () => {
    const all = Object.keys(auditInventory) as AuditAction[]
    const shown = Object.keys(shownBy) as AuditAction[]
    expect(all.filter((action) => !driven.has(action) && !shown.includes(action))).toEqual([])
    expect(shown.filter((action) => driven.has(action))).toEqual([])
    const silent = Object.entries(shownBy).filter(
      ([action, name]) => !readText(`test/${name}.test.ts`).includes(`'${action}'`)
    )
    expect(silent).toEqual([])
  })
})
