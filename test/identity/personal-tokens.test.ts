import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bearerChecksumHolds } from '../../src/crypto/bearer.ts'
import { anId } from '../http/fakes.ts'
import { statementsOf } from '../support/statements.ts'
import { createPeople, type People, type Person } from './people.ts'
import { adminEmail, auditOf, codeOf, personNamed, publicUrl, type Replica } from './world.ts'

let people: People
let admin: Person
let elsewhere: Replica
beforeAll(async () => {
  people = await createPeople()
  elsewhere = people.replica()
  admin = people.admin
  await people.createTenant('other')
})
afterAll(() => people?.close())
beforeEach(() => elsewhere.noticeChanges())

const path = '/api/v1/tokens'
const settings = '/api/v1/tenant/settings'
const inDays = (days: number) =>
  new Date(people.clock.now().getTime() + days * 86_400_000).toISOString()

async function make(person: Person, more: object = {}) {
  const input = { name: 'laptop', expiresAt: inDays(1), ...more }
  const { status, body } = await person.call('POST', path, input)
  expect(status).toBe(201)
  return body
}

/** How another process answers to it. */
async function seen(token: string) {
  await elsewhere.noticeChanges()
  const credentials = {
    sessionToken: null,
    bearer: token,
    source: '192.0.2.9',
    requestId: 'request-1'
  }
  return await codeOf(elsewhere.identity.authenticate(credentials))
}

const { host } = new URL(publicUrl)
const withToken = (token: string, method: 'GET' | 'POST', url: string, body?: unknown) =>
  people.send(method, url, { host, authorization: `Bearer ${token}` }, body)

/** So many days later, at which the admin has logged in again. */
async function pass(days: number): Promise<void> {
  people.clock.advance(days * 86_400_000 + 1)
  admin = await people.enter({ sub: 'root', email: adminEmail, email_verified: true })
}

async function decide(policies: object) {
  const { body } = await admin.call('GET', settings)
  const answer = await admin.call('PATCH', settings, { version: body.version, ...policies })
  expect(answer.status).toBe(200)
  return answer.body
}

describe('C11 making one', () => {
  test('201 it is shown once, checksummed, and only its hash and last four characters are kept', async () => {
    const ann = await people.member('ann')
    const made = await make(ann)
    expect(made.token).toMatch(/^wftp_[0-9A-Za-z]{36}$/)
    expect(bearerChecksumHolds(made.token)).toBe(true)
    expect(made).toMatchObject({ hint: `…${made.token.slice(-4)}`, lastUsedAt: null })
    expect(made.scope).toEqual({ fabrics: null, access: 'query' })
    const { token, ...view } = made
    const { body } = await ann.call('GET', path)
    expect(body).toEqual({ items: [view], nextCursor: null })
    const rows = JSON.stringify([
      await people.sql('SELECT * FROM personal_tokens'),
      await people.sql('SELECT * FROM audit_events')
    ])
    expect(rows + inspect(body)).not.toContain(token.slice(5, 35))
  })

  test('400 without an end, at once, or later than the tenant allows', async () => {
    const ann = await people.member('ann')
    for (const expiresAt of [undefined, inDays(-1), inDays(91), 'tomorrow', 7]) {
      const { status, body } = await ann.call('POST', path, { name: 'x', expiresAt })
      expect([expiresAt, status, body.code]).toEqual([expiresAt, 400, 'invalid_request'])
      expect(body.errors[0].pointer).toMatch(/expiresAt/)
    }
  })

  test('400 of a scope that is none', async () => {
    const ann = await people.member('ann')
    const scopes = [{ access: 'write' }, { fabrics: [] }, { fabrics: ['x'] }, { all: true }]
    for (const scope of scopes) {
      const input = { name: 'x', expiresAt: inDays(1), scope }
      expect([scope, (await ann.call('POST', path, input)).status]).toEqual([scope, 400])
    }
  })

  test('404 for a fabric that its person does not see, in the same words as for none', async () => {
    const ann = await people.member('ann')
    const input = { name: 'x', expiresAt: inDays(1), scope: { fabrics: [anId('fabric')] } }
    const { status, body } = await ann.call('POST', path, input)
    expect([status, body.code, body.detail]).toEqual([404, 'not_found', 'No such fabric'])
  })

  test('409 at a hundred', async () => {
    const eve = await people.member('eve')
    await people.sql(
      `INSERT INTO personal_tokens (id, tenant_id, user_id, name, hash, hint, access, has_fabric_list, created_at, expires_at)
       SELECT 'pat_' || n, $1, $2, '', 'hash ' || n, '', 'read', false, now(), now() FROM generate_series(1, 100) n`,
      [people.acme.tenantId, eve.id]
    )
    const { status, body } = await eve.call('POST', path, { name: 'x', expiresAt: inDays(1) })
    expect([status, body.code]).toEqual([409, 'conflict'])
  })
})

describe('what one is worth', () => {
  test('it is its person, on every replica, without a query once that is known', async () => {
    const ann = await people.member('ann')
    const { id, token } = await make(ann)
    const me = await withToken(token, 'GET', '/api/v1/me')
    expect(me.body.user.id).toBe(ann.id)
    const credentials = {
      sessionToken: null,
      bearer: token,
      source: '192.0.2.9',
      requestId: 'request-1'
    }
    const caller = await elsewhere.identity.authenticate(credentials)
    expect(caller).toMatchObject({ via: 'personal_token', keyId: id, sessionId: null })
    expect(caller.scope.actor).toEqual({ kind: 'user', id: ann.id })
    const again = () => elsewhere.identity.authenticate(credentials)
    expect(await statementsOf(again)).toEqual([])
    await elsewhere.lastUses.flush()
    const { body } = await ann.call('GET', path)
    expect(body.items.find((one: { id: string }) => one.id === id).lastUsedAt).not.toBeNull()
    await elsewhere.noticeChanges()
    expect(await statementsOf(again), 'and a note of use makes nobody forget').toEqual([])
  })

  test('D4 every route that changes anything refuses even an admin’s, whatever it reads', async () => {
    const { token } = await make(admin)
    const ids = { ':userId': admin.id, ':tokenId': anId('personalToken'), ':teamId': anId('team') }
    const changing = people.app.routeTable.filter(
      ({ method, access, surface, isOnFabricHost, operation }) =>
        !['GET', 'HEAD', 'OPTIONS'].includes(method) &&
        // It reads, and takes what it holds the record against.
        operation !== 'audit.verify' &&
        access !== 'public' &&
        surface !== 'data' &&
        !isOnFabricHost
    )
    expect(changing.length).toBeGreaterThan(30)
    for (const { method, url } of changing) {
      let at = url
      for (const [name, id] of Object.entries(ids)) at = at.replace(name, id)
      const answer = await people.send(method as 'POST', at, {
        host,
        authorization: `Bearer ${token}`
      })
      expect([method, url, answer.status]).toEqual([method, url, 403])
    }
    expect(await seen(token)).toBe('no error')
  })

  test('it reads what its person may read, and no more', async () => {
    const ann = await people.member('ann')
    const [own, all] = [(await make(ann)).token, (await make(admin)).token]
    const adminsOnly = [
      '/api/v1/members',
      '/api/v1/service-accounts',
      settings,
      `/api/v1/members/${ann.id}/tokens`
    ]
    for (const url of adminsOnly) {
      expect([url, (await withToken(all, 'GET', url)).status]).toEqual([url, 200])
      expect([url, (await withToken(own, 'GET', url)).status]).toEqual([url, 403])
    }
    for (const url of [path, '/api/v1/teams']) {
      expect([url, (await withToken(own, 'GET', url)).status]).toEqual([url, 200])
    }
    expect((await withToken(all, 'GET', '/api/v1/me/sessions')).status).toBe(403)
  })

  test('it loses what its person loses, at once', async () => {
    const bob = await people.member('bob')
    await people.promote(bob)
    const { token } = await make(bob)
    expect((await withToken(token, 'GET', '/api/v1/members')).status).toBe(200)
    const { body } = await admin.call('GET', `/api/v1/members/${bob.id}`)
    const demoted = { role: 'member', version: body.version }
    expect((await admin.call('PATCH', `/api/v1/members/${bob.id}`, demoted)).status).toBe(200)
    expect((await withToken(token, 'GET', '/api/v1/members')).status).toBe(403)
  })

  test('an operator’s gives no right over the platform', async () => {
    await people.sql(
      `INSERT INTO platform_operators (user_id, added_at, added_by) VALUES ($1, now(), 'cli')
       ON CONFLICT DO NOTHING`,
      [admin.id]
    )
    await people.change('SELECT 1')
    await people.noticeChanges()
    expect((await admin.call('GET', '/api/v1/tenants')).status).toBe(200)
    const { token } = await make(admin)
    expect((await withToken(token, 'GET', '/api/v1/tenants')).status).toBe(403)
  })

  test('A7 it is no session, and no session, key or mistyped token is one', async () => {
    const ann = await people.member('ann')
    const { token } = await make(ann)
    const wrong = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`
    expect(await seen(wrong)).toBe('unauthenticated')
    expect(await seen(`wfts_${token.slice(5)}`)).toBe('unauthenticated')
    expect(await seen(ann.sessionToken)).toBe('unauthenticated')
    const asCookie = {
      sessionToken: token,
      bearer: null,
      source: '192.0.2.9',
      requestId: 'request-1'
    }
    expect(await codeOf(people.identity.authenticate(asCookie))).toBe('unauthenticated')
  })
})

describe('D13 the end of one', () => {
  test('by its time, and with a session’s end it lives on', async () => {
    const bob = await people.member('bob')
    const { token } = await make(bob)
    await bob.call('DELETE', '/api/v1/me/sessions')
    expect(await seen(token)).toBe('no error')
    await pass(1)
    expect(await seen(token)).toBe('unauthenticated')
  })

  test('204 by its person, and by an admin; 404 for anybody else’s', async () => {
    const [ann, bob] = [await people.member('ann'), await people.member('bob')]
    const [one, two] = [await make(ann), await make(ann)]
    expect(await seen(one.token)).toBe('no error')
    expect(await seen(two.token)).toBe('no error')
    const missing = await bob.call('DELETE', `${path}/${anId('personalToken')}`)
    const other = await bob.call('DELETE', `${path}/${one.id}`)
    expect([other.status, other.body.detail]).toEqual([404, missing.body.detail])
    expect((await bob.call('GET', `/api/v1/members/${ann.id}/tokens`)).status).toBe(403)
    const ofMember = `/api/v1/members/${ann.id}/tokens/${two.id}`
    expect((await bob.call('DELETE', ofMember)).status).toBe(403)
    expect((await ann.call('DELETE', `${path}/${one.id}`)).status).toBe(204)
    const listed = await admin.call('GET', `/api/v1/members/${ann.id}/tokens`)
    expect(listed.body.items.map(({ id }: { id: string }) => id)).toContain(two.id)
    expect((await admin.call('DELETE', ofMember)).status).toBe(204)
    expect((await admin.call('DELETE', ofMember)).status).toBe(404)
    for (const { token } of [one, two]) expect(await seen(token)).toBe('unauthenticated')
    const revoked = await auditOf(people, people.acme.tenantId, 'personal_token.revoke')
    expect(revoked).toHaveLength(2)
  })

  test('404 for a member of another tenant, in the same words as for no member', async () => {
    const stranger = await people.enter(personNamed('ophelia'), 'other')
    const [there, none] = await Promise.all(
      [stranger.id, anId('user')].map((id) => admin.call('GET', `/api/v1/members/${id}/tokens`))
    )
    expect([there?.status, there?.body.title]).toEqual([404, none?.body.title])
  })

  test('with its person: suspended, and removed for good', async () => {
    const dan = await people.member('dan')
    const { token } = await make(dan)
    expect(await seen(token)).toBe('no error')
    const one = `/api/v1/members/${dan.id}`
    const { body } = await admin.call('GET', one)
    await admin.call('PATCH', one, { status: 'suspended', version: body.version })
    expect(await seen(token)).toBe('unauthenticated')
    expect((await admin.call('DELETE', one)).status).toBe(204)
    await people.member('dan')
    expect(await seen(token)).toBe('unauthenticated')
  })

  test('by the tenant’s policy: a shorter life counts at once, and none are believed where none are allowed', async () => {
    const ann = await people.member('ann')
    const { token } = await make(ann, { expiresAt: inDays(30) })
    const before = await decide({ personalTokenMaxDays: 7 })
    expect(before).toMatchObject({ personalTokensAllowed: true, sessionIdleMinutes: 720 })
    const late = await ann.call('POST', path, { name: 'x', expiresAt: inDays(8) })
    expect([late.status, late.body.errors[0].message]).toEqual([
      400,
      'must be within 7 days, as your organisation decides'
    ])
    await pass(7)
    expect(await seen(token)).toBe('unauthenticated')
    const again = await people.member('ann')
    const fresh = await make(again)
    expect(await seen(fresh.token)).toBe('no error')
    await decide({ personalTokensAllowed: false })
    expect(await seen(fresh.token)).toBe('unauthenticated')
    const refused = await again.call('POST', path, { name: 'x', expiresAt: inDays(1) })
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
    expect((await again.call('DELETE', `${path}/${fresh.id}`)).status).toBe(204)
  })
})
