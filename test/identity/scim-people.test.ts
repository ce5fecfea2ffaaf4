import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Person } from './people.ts'
import { createScimWorld, entraUser, patch, type ScimWorld } from './scim-world.ts'
import { adminEmail, auditOf, errorOf, personNamed, type Replica } from './world.ts'

let world: ScimWorld
let scim: ScimWorld['scim']
let elsewhere: Replica
beforeAll(async () => {
  world = await createScimWorld()
  scim = world.scim
  elsewhere = world.people.replica()
  // Nobody joins by logging in alone.
  await world.people.sql(`UPDATE login_providers SET email_domains = '{nobody.test}'`)
})
afterAll(() => world?.people.close())

/** Entra ID's object id is what a login calls the subject; see `entraUser`. */
const login = (name: string, claims: object = {}) =>
  world.people.enter(personNamed(name, { sub: `oid-${name}`, ...claims }))

const active = (id: string, value: unknown) =>
  scim('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value }))

async function isIn({ sessionToken }: Person): Promise<boolean> {
  await elsewhere.noticeChanges()
  const credentials = { sessionToken, bearer: null, source: '192.0.2.9', requestId: 'request-1' }
  return (await errorOf(elsewhere.identity.authenticate(credentials))) === null
}

async function statusOf({ id }: Person): Promise<string> {
  const { status, body } = await world.people.admin.call('GET', `/api/v1/members/${id}`)
  return status === 200 ? body.status : 'none'
}

describe('who was announced logs in', () => {
  test('by an external id that is their subject, whatever their address', async () => {
    await world.user(entraUser('ann', { userName: 'other', emails: [] }))
    const ann = await login('ann', { email: 'renamed@acme.test' })
    expect(await statusOf(ann)).toBe('active')
    expect(await isIn(ann)).toBe(true)
  })

  test('by a verified address that is their userName or an email', async () => {
    await world.user(entraUser('bob', { externalId: 'bob.nickname' }))
    expect(await statusOf(await login('bob', { sub: 's1', email: 'BOB@acme.test' }))).toBe('active')
    await world.user(entraUser('cat', { externalId: undefined, userName: 'cat' }))
    expect(await statusOf(await login('cat', { sub: 's2' }))).toBe('active')
  })

  test('A8 look-alikes are nobody: unverified, ambiguous, of another organisation', async () => {
    await world.user(entraUser('dan'))
    for (const claims of [
      { email_verified: false },
      { email: 'dan＠acme.test' },
      { email: 'dan@acme.test.' },
      { email: 'dan@acme.test@acme.test' },
      { email: 'dan@acmе.test' }
    ]) {
      const work = login('dan', { sub: 'another', ...claims })
      expect((await errorOf(work))?.code, JSON.stringify(claims)).toBe('forbidden')
    }
    const shared = { emails: [{ type: 'work', value: 'team@acme.test' }] }
    await world.user(entraUser('one', shared))
    await world.user(entraUser('two', shared))
    const either = login('three', { email: 'team@acme.test' })
    expect((await errorOf(either))?.code).toBe('forbidden')
    await world.people.createTenant('globex', ['nobody.test'])
    const there = world.people.enter(personNamed('dan', { sub: 'oid-dan' }), 'globex')
    expect((await errorOf(there))?.code).toBe('forbidden')
  })

  test('A8 once: another identity with the same address is not them', async () => {
    const id = await world.user(entraUser('eve'))
    const eve = await login('eve')
    expect((await errorOf(login('eve', { sub: 'later' })))?.code).toBe('forbidden')
    expect((await errorOf(login('eve')))?.code).toBeUndefined()
    await active(id, false)
    expect(await statusOf(eve)).toBe('suspended')
  })

  test('and who was deactivated before does not, though the rule lets everybody in', async () => {
    const id = await world.user(entraUser('fay'))
    await active(id, 'False')
    await world.people.sql(`UPDATE login_providers SET email_domains = '{}'`)
    expect((await errorOf(login('fay')))?.code).toBe('forbidden')
    await world.people.sql(`UPDATE login_providers SET email_domains = '{nobody.test}'`)
    await active(id, 'True')
    expect(await statusOf(await login('fay'))).toBe('active')
  })
})

describe('D13 off-boarding at the identity provider', () => {
  test('D13 a deactivated person is out on every replica, and in again once they are active', async () => {
    const id = await world.user(entraUser('gil'))
    const gil = await login('gil')
    expect((await active(id, false)).body.active).toBe(false)
    expect([await isIn(gil), await statusOf(gil)]).toEqual([false, 'suspended'])
    expect((await errorOf(login('gil')))?.code).toBe('forbidden')
    await active(id, true)
    expect(await isIn(gil)).toBe(false)
    expect(await isIn(await login('gil'))).toBe(true)
  })

  test('D13 a sync that changes nothing does not let in whom an admin here has suspended', async () => {
    const id = await world.user(entraUser('hal'))
    const hal = await login('hal')
    const one = `/api/v1/members/${hal.id}`
    await world.people.admin.call('PATCH', one, { status: 'suspended', version: 1 })
    expect((await scim('PUT', `/Users/${id}`, entraUser('hal'))).status).toBe(200)
    expect(await statusOf(hal)).toBe('suspended')
  })

  test('D13 a deleted person is removed with what they held', async () => {
    const id = await world.user(entraUser('ida'))
    const ida = await login('ida')
    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(204)
    expect([await isIn(ida), await statusOf(ida)]).toEqual([false, 'none'])
    const events = await auditOf(world.people, world.people.acme.tenantId, 'member.delete')
    expect(events.at(-1)).toMatchObject({ actor_kind: 'scim_token' })
    expect((await errorOf(login('ida')))?.code).toBe('forbidden')
  })

  test('D13 reaches who joined before they were announced', async () => {
    await world.people.sql(`UPDATE login_providers SET email_domains = '{}'`)
    const [jim, kim] = [await login('jim'), await login('kim')]
    await world.people.sql(`UPDATE login_providers SET email_domains = '{nobody.test}'`)
    await world.user(entraUser('jim', { active: false }))
    expect([await isIn(jim), await statusOf(jim)]).toEqual([false, 'suspended'])
    const id = await world.user(entraUser('nobody', { externalId: 'nobody' }))
    await scim('PUT', `/Users/${id}`, entraUser('kim', { active: false }))
    expect([await isIn(kim), await statusOf(kim)]).toEqual([false, 'suspended'])
  })

  test('409 for the last tenant admin, who stays', async () => {
    const root = entraUser('root', { externalId: 'root', userName: adminEmail })
    const id = await world.user(root)
    for (const answer of [await active(id, false), await scim('DELETE', `/Users/${id}`)]) {
      expect([answer.status, answer.body.detail]).toMatchObject([409, /last admin/])
    }
    expect((await scim('GET', `/Users/${id}`)).body.active).toBe(true)
    expect(await isIn(world.people.admin)).toBe(true)
  })

  test('D13 deactivated while they log in: whichever comes first, they end outside', async () => {
    for (const name of ['race1', 'race2', 'race3']) {
      const id = await world.user(entraUser(name))
      const [person] = await Promise.all([login(name).catch(() => null), active(id, false)])
      expect((await scim('GET', `/Users/${id}`)).body.active).toBe(false)
      if (person !== null) expect(await isIn(person)).toBe(false)
    }
  })
})
