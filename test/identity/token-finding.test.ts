import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuditReader } from '../../src/audit/audit-reader.ts'
import { Secret } from '../../src/base/secret.ts'
import { hashToken, newBearer } from '../../src/crypto/bearer.ts'
import { identityScope } from '../../src/identity/identity-scope.ts'
import { createPeople, type People } from './people.ts'

/** What an admin makes, and then finds in a leak. */
let people: People
let serviceKey: { id: string; key: string }
let account: string
const from = '203.0.113.7'

beforeAll(async () => {
  people = await createPeople()
  const { body } = await people.admin.call('POST', '/api/v1/service-accounts', { name: 'etl' })
  account = body.id
  const keys = `/api/v1/service-accounts/${account}/keys`
  serviceKey = (await people.admin.call('POST', keys, { name: 'leaks' })).body
})
afterAll(async () => {
  await people?.app.close()
  await people?.close()
})

const url = '/api/v1/audit-events/find-token'
const find = (token: string) => people.admin.call('POST', url, { token })
const used = (bearer: string) =>
  people.identity.authenticate({ sessionToken: null, bearer, source: from, requestId: 'request-1' })

describe('a token that was found', () => {
  test('200 a service key: whose it is, when it was made and what was done with it, also once it is gone', async () => {
    const { scope } = await used(serviceKey.key)
    expect(scope).toMatchObject({ source: from, credentialId: serviceKey.id })
    const mine = `/api/v1/service-accounts/${account}`
    expect((await people.admin.call('DELETE', `${mine}/keys/${serviceKey.id}`)).status).toBe(204)
    expect((await people.admin.call('DELETE', mine)).status).toBe(204)
    const { status, body } = await find(serviceKey.key)
    expect([status, body]).toMatchObject([
      200,
      {
        kind: 'service_key',
        credentialId: serviceKey.id,
        owner: { kind: 'service_account', id: account },
        issued: { action: 'service_key.create', actor: { id: people.admin.id } }
      }
    ])
  })

  test('200 a personal token, with what it did and from where', async () => {
    const inAnHour = new Date(people.clock.now().getTime() + 3_600_000).toISOString()
    const made = { name: 'script', expiresAt: inAnHour }
    const { id, token } = (await people.admin.call('POST', '/api/v1/tokens', made)).body
    const headers = { host: 'weft.test', authorization: `Bearer ${token}` }
    const denied = await people.send('POST', '/api/v1/teams', headers, { name: 'by a script' })
    expect(denied.status).toBe(403)
    const { body } = await find(token)
    expect(body).toMatchObject({
      kind: 'personal_token',
      credentialId: id,
      owner: { kind: 'user', id: people.admin.id },
      events: [{ action: 'access.deny', object: { id: 'team.create' }, source: '127.0.0.1' }]
    })
    const query = { limit: 50, cursor: null, credential: id }
    const scope = identityScope(people.acme.tenantId, null)
    const { items } = await createAuditReader(people.db).list(scope, query)
    expect(items.map(({ seq }) => seq)).toEqual([body.events[0].seq])
  })

  test('200 a service token, by its own id, also when it is over', async () => {
    const accounts = '/api/v1/service-accounts'
    const { id } = (await people.admin.call('POST', accounts, { name: 'jwt' })).body
    const key = (await people.admin.call('POST', `${accounts}/${id}/keys`, { name: 'k' })).body
    const { accessToken } = await people.identity.serviceTokens.issue({
      serviceAccountId: id,
      serviceKey: key.key,
      tenantSlug: null,
      target: null,
      source: from,
      requestId: 'request-1'
    })
    people.clock.advance(2 * 3_600_000)
    const { body } = await find(accessToken)
    expect(body).toMatchObject({
      kind: 'service_token',
      credentialId: key.id,
      owner: { kind: 'service_account', id },
      issued: { action: 'service_token.issue', source: from, credentialId: key.id }
    })
    const [head, payload] = accessToken.split('.')
    expect((await find(`${head}.${payload}.AAAAAAAAAAAA`)).status).toBe(404)
  })

  test('200 a key from before marks were kept, and a session, while there are rows of them', async () => {
    const { bearer, hash, hint } = newBearer('wfts_')
    const { id } = (await people.admin.call('POST', '/api/v1/service-accounts', { name: 'old' }))
      .body
    await people.sql(
      `INSERT INTO service_keys (id, tenant_id, service_account_id, name, hash, hint, created_at)
       VALUES ('key_old', $1, $2, 'old', $3, $4, now())`,
      [people.acme.tenantId, id, hash, hint]
    )
    expect((await find(bearer.reveal())).body).toMatchObject({
      kind: 'service_key',
      credentialId: 'key_old',
      issued: null
    })
    const session = (await find(people.admin.sessionToken)).body
    expect(session).toMatchObject({ kind: 'session', owner: { id: people.admin.id } })
    expect(session.events[0].credentialId).toBe(session.credentialId)
  })

  test('404 what is no token of this tenant’s; that it was asked is on record, and no token is', async () => {
    const { bearer } = newBearer('wftp_')
    const unknown = bearer.reveal()
    const { status, body } = await find(unknown)
    expect([status, body.code]).toEqual([404, 'not_found'])
    const tables = [
      'audit_events',
      'service_keys',
      'personal_tokens',
      'sessions',
      'token_mark_keys'
    ]
    const rows = await Promise.all(tables.map((name) => people.sql(`SELECT * FROM ${name}`)))
    const text = JSON.stringify(rows)
    expect(text).toContain('audit.find_token')
    for (const token of [unknown, serviceKey.key, people.admin.sessionToken]) {
      expect(text).not.toContain(token)
    }
  })

  test('a mark is another one in each tenant and without the key, and none is the stored hash', async () => {
    const events = await people.sql<{ details: { tokenMark?: string } }>(
      `SELECT details FROM audit_events WHERE action = 'service_key.create'`
    )
    const marks = events.map(({ details }) => details.tokenMark)
    expect(marks).not.toContain(hashToken(new Secret(serviceKey.key)))
    expect(marks.every((mark) => /^[0-9a-f]{64}$/.test(mark ?? ''))).toBe(true)
    const [row] = await people.sql<{ sealed: string }>('SELECT sealed FROM token_mark_keys')
    expect(row?.sealed).toMatch(/^eyJ/)
  })

  test('403 for a member, and for an admin’s script', async () => {
    const member = await people.member('nosy')
    expect((await member.call('POST', url, { token: serviceKey.key })).status).toBe(403)
  })
})
