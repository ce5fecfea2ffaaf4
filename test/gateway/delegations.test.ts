import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId, type FabricId, newId, type UserId } from '../../src/base/ids.ts'
import { statementsOf } from '../support/statements.ts'
import { type Account, createDelegatedWorld, type DelegatedWorld, host } from './delegated-world.ts'

let world: DelegatedWorld
let fabricId: FabricId
let account: Account
let person: UserId
beforeAll(async () => {
  world = await createDelegatedWorld()
  await world.allow(true)
})
afterAll(() => world?.close())
beforeEach(async () => {
  fabricId = await world.newFabric()
  account = await world.newAccount([fabricId])
  person = await world.newPerson()
})

const asked = (more: object = {}) =>
  world.ask({ fabricId, bearer: account.key, user: person, ...more })

const delegate = (options?: Parameters<DelegatedWorld['rows']['delegation']>[2]) =>
  world.rows.delegation(
    world.seeded.tenantId,
    { userId: person, serviceAccountId: account.id, fabricId },
    options
  )

/** As seen by the process that changed something. */
const refused = async (more?: object) => {
  const { status, body } = await asked(more)
  return [status, body.code]
}

describe('a service account with a person’s delegation', () => {
  test('acts as that person, by id and by verified address, and is on record with both', async () => {
    await delegate()
    for (const user of [person, `${person}@acme.test`, `${person}@ACME.test`]) {
      const { status, headers, body } = await asked({ user })
      expect([status, headers['x-weft-identity']]).toEqual([200, 'user'])
      expect(body.as).toBe(`${person}@workspace.test`)
    }
    await world.gateway.rooms.records.flush()
    const calls = await world.sql(
      'SELECT DISTINCT actor_kind, actor_id, on_behalf_of, identity FROM call_records WHERE actor_id = $1',
      [account.id]
    )
    const both = { actor_id: account.id, on_behalf_of: person }
    expect(calls).toEqual([{ actor_kind: 'service_account', identity: 'user', ...both }])
    const events = await world.sql(
      `SELECT DISTINCT actor_id, on_behalf_of FROM audit_events WHERE action = 'endpoint.query' AND actor_id = $1`,
      [account.id]
    )
    expect(events).toEqual([both])
  })

  test('asks nothing of the database once that is known', async () => {
    await delegate()
    await asked()
    await asked()
    await world.gateway.rooms.records.flush()
    const warm = async () => {
      for (let n = 0; n < 5; n += 1) expect((await asked()).status).toBe(200)
    }
    expect(await statementsOf(warm)).toEqual([])
  })

  test('reaches the endpoints of the delegation alone, and of its own list', async () => {
    await delegate({ endpoints: ['probe'] })
    expect((await asked()).status).toBe(200)
    expect(await refused({ path: '/serving-endpoints/other/invocations' })).toEqual([
      403,
      'endpoint_not_allowed'
    ])
    expect(await refused({ path: '/api/2.0/sql/statements' })).toEqual([
      403,
      'endpoint_not_allowed'
    ])
  })

  test('409 where the person has not signed in, with where they do', async () => {
    person = await world.rows.user(world.seeded)
    await delegate()
    const { status, body } = await asked()
    expect([status, body.code]).toEqual([409, 'sign_in_needed'])
    expect(body.actionUrl).toBe(`https://${host}/sign-in/${fabricId}`)
  })

  test('still acts as the service principal where it does not ask', async () => {
    await delegate()
    const { headers, body } = await asked({ user: undefined, actAs: '' })
    expect([headers['x-weft-identity'], body.as]).toEqual([
      'service_principal',
      world.principalClientId
    ])
  })

  test('gets no other person’s kept answer by the same Idempotency-Key', async () => {
    await delegate()
    const first = person
    const headers = { 'idempotency-key': 'one-key' }
    expect((await asked({ headers })).body.as).toBe(`${first}@workspace.test`)
    person = await world.newPerson()
    await delegate()
    expect((await asked({ headers })).body.as).toBe(`${person}@workspace.test`)
  })
})

describe('D5 403 without one', () => {
  test('with a link by which the person can grant it, and no word of whether there is such a person', async () => {
    const none = newId('user', world.clock)
    const answers = [
      await asked(),
      await asked({ user: none }),
      await asked({ user: 'nobody@acme.test' }),
      await asked({ user: '%' })
    ]
    for (const { status, body } of answers) {
      expect([status, body.code]).toEqual([403, 'forbidden'])
      expect([body.detail, body.actionUrl]).toEqual([
        answers[0]?.body.detail,
        `https://${host}/console?delegate=${account.id}&fabric=${fabricId}`
      ])
    }
  })

  test('to another account, through another fabric, of another person, or when its time is over', async () => {
    const [other, otherFabric] = [person, fabricId]
    await delegate()
    account = await world.newAccount([fabricId])
    expect(await refused()).toEqual([403, 'forbidden'])
    fabricId = await world.newFabric()
    account = await world.newAccount([fabricId, otherFabric])
    person = await world.newPerson()
    await delegate({ lifeMs: 60_000 })
    expect(await refused({ user: other })).toEqual([403, 'forbidden'])
    expect(await refused({ fabricId: otherFabric })).toEqual([403, 'forbidden'])
    expect((await asked()).status).toBe(200)
    world.clock.advance(60_001)
    expect(await refused()).toEqual([403, 'forbidden'])
  })

  test('of an address that is not verified', async () => {
    await delegate()
    await world.sql('UPDATE users SET is_email_verified = false WHERE id = $1', [person])
    expect(await refused({ user: `${person}@acme.test` })).toEqual([403, 'forbidden'])
  })

  test('404 through a fabric that the account itself does not reach', async () => {
    await delegate()
    account = await world.newAccount([])
    expect(await refused()).toEqual([404, 'not_found'])
  })

  test('where the tenant does not allow it, saying who can', async () => {
    await delegate()
    expect((await asked()).status).toBe(200)
    await world.allow(false)
    const { status, body } = await asked()
    expect([status, body.code]).toEqual([403, 'forbidden'])
    expect(body.detail).toMatch(/its admins decide that$/)
    await world.allow(true)
  })

  test('of anybody who is no service account, and 400 where it is not said as whom', async () => {
    const own = await world.rows.personalToken(world.seeded.tenantId, person)
    expect(await refused({ bearer: own })).toEqual([403, 'forbidden'])
    await delegate()
    for (const actAs of ['', 'service_principal']) {
      expect(await refused({ actAs })).toEqual([400, 'invalid_request'])
    }
    expect(await refused({ user: undefined })).toEqual([403, 'forbidden'])
    for (const user of ['', 'a b', '"a"@b', 'x'.repeat(321)]) {
      expect([user, ...(await refused({ user }))]).toEqual([user, 400, 'invalid_request'])
    }
  })
})

describe('D13 what ends it ends it at once', () => {
  test.each([
    ['its end by its person', (id: string) => end(id)],
    ['the suspension of its person', () => suspend()],
    ['the removal of its person', () => world.gateway.rooms.identity.members.remove(...ofPerson())],
    ['its person’s leaving the team', () => leave()],
    ['the fabric’s being taken from the account', () => withdraw()]
  ])('%s', async (_what, change) => {
    const id = await delegate()
    expect((await asked()).status).toBe(200)
    await change(id)
    expect([403, 404]).toContain((await asked()).status)
  })

  const ofPerson = () => [world.scope, person] as const
  const end = (id: string) =>
    world.gateway.rooms.identity.delegations.revoke(world.scope, asId('delegation', id))
  const suspend = () =>
    world.gateway.rooms.identity.members.update(world.scope, person, {
      status: 'suspended',
      version: 1
    })
  const leave = () =>
    world.gateway.rooms.identity.teams.removeMember(world.scope, world.seeded.teamId, person)
  const withdraw = () =>
    world.gateway.rooms.identity.serviceAccounts.setFabrics(world.scope, account.id, [])
})

test('D5 a service never acts as a user without a delegation, whatever of people, fabrics and delegations there is', async () => {
  const fabrics = [fabricId, await world.newFabric()]
  const accounts = [await world.newAccount(fabrics), await world.newAccount(fabrics)]
  const people = [person, await world.newPerson(), await world.newPerson()]
  const place = fc.record({ a: fc.nat(1), f: fc.nat(1), p: fc.nat(2) })
  const step = fc.record({ place, kind: fc.constantFrom('grant', 'end', 'ask', 'ask', 'ask') })
  const { delegations } = world.gateway.rooms.identity
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const granted = new Map<string, string>()
      for (const { place, kind } of steps) {
        const [by, fabric, user] = [accounts[place.a], fabrics[place.f], people[place.p]]
        if (by === undefined || fabric === undefined || user === undefined) continue
        const name = JSON.stringify(place)
        const id = granted.get(name)
        if (kind === 'grant' && id === undefined) {
          const parties = { userId: user, serviceAccountId: by.id, fabricId: fabric }
          granted.set(name, await world.rows.delegation(world.seeded.tenantId, parties))
        }
        if (kind === 'end' && id !== undefined) {
          await delegations.revoke(world.scope, asId('delegation', id))
          granted.delete(name)
        }
        if (kind !== 'ask') continue
        const { status, body } = await world.ask({ fabricId: fabric, bearer: by.key, user })
        const isGranted = granted.has(name)
        expect([status, body.as]).toEqual(
          isGranted ? [200, `${user}@workspace.test`] : [403, undefined]
        )
      }
      for (const id of granted.values())
        await delegations.revoke(world.scope, asId('delegation', id))
    }),
    { numRuns: 15 }
  )
})
