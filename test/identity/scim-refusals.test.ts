import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createScimWorld,
  entraUser,
  errorSchema,
  type Method,
  patch,
  type ScimWorld
} from './scim-world.ts'
import { auditOf } from './world.ts'

let world: ScimWorld
let scim: ScimWorld['scim']
beforeAll(async () => {
  world = await createScimWorld()
  scim = world.scim
})
afterAll(() => world?.people.close())

const find = (filter: string) => scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)

describe('what SCIM refuses', () => {
  test('409 uniqueness for a userName that is there, in any case of letters', async () => {
    await world.user(entraUser('twin'))
    const again = await scim('POST', '/Users', entraUser('x', { userName: 'TWIN@acme.test' }))
    expect([again.status, again.body]).toMatchObject([
      409,
      { schemas: [errorSchema], status: '409', scimType: 'uniqueness' }
    ])
    const other = await world.user(entraUser('twin2'))
    const moved = await scim(
      'PATCH',
      `/Users/${other}`,
      patch({ op: 'replace', path: 'userName', value: 'twin@acme.test' })
    )
    expect([moved.status, moved.body.scimType]).toEqual([409, 'uniqueness'])
  })

  test.each<[Method, string, unknown, string]>([
    ['POST', '/Users', {}, 'invalidValue'],
    ['POST', '/Users', [], 'invalidSyntax'],
    ['POST', '/Users', { userName: ['a'] }, 'invalidValue'],
    ['POST', '/Users', { userName: { not: '' } }, 'invalidValue'],
    ['POST', '/Users', { userName: 'u'.repeat(257) }, 'invalidValue'],
    ['POST', '/Users', { userName: 'a\u0000b' }, 'invalidValue'],
    ['POST', '/Users', { userName: 'a', active: 'maybe' }, 'invalidValue'],
    ['POST', '/Users', { userName: 'a', emails: [7] }, 'invalidValue'],
    ['POST', '/Users', { userName: 'a', name: 'Ann' }, 'invalidValue'],
    ['PATCH', '/Users/:id', {}, 'invalidSyntax'],
    ['PATCH', '/Users/:id', patch({ op: 'move', path: 'active' }), 'invalidSyntax'],
    ['PATCH', '/Users/:id', patch({ op: 'replace', value: 'x' }), 'invalidSyntax'],
    ['PATCH', '/Users/:id', patch({ op: 'remove' }), 'noTarget'],
    ['PATCH', '/Users/:id', patch({ op: 'remove', path: 'userName' }), 'invalidValue'],
    ['PATCH', '/Users/:id', patch({ op: 'replace', path: 'a b' }), 'invalidPath'],
    ['PATCH', '/Users/:id', patch({ op: 'add', path: 'emails[type gt "x"]' }), 'invalidFilter'],
    ['GET', `/Users?filter=${encodeURIComponent('title eq "x"')}`, undefined, 'invalidFilter'],
    ['GET', `/Users?filter=${encodeURIComponent('userName co "x"')}`, undefined, 'invalidFilter'],
    [
      'GET',
      `/Users?filter=${encodeURIComponent('userName eq "x" or id eq "y"')}`,
      undefined,
      'invalidFilter'
    ],
    [
      'GET',
      `/Users?filter=${encodeURIComponent(`userName eq "${'x'.repeat(2000)}"`)}`,
      undefined,
      'invalidFilter'
    ],
    ['GET', '/Users?count=many', undefined, 'invalidSyntax']
  ])('D11 400 %s %s %j is %s', async (method, path, body, kind) => {
    const [{ id } = { id: '' }] = await world.people.sql<{ id: string }>(
      'SELECT id FROM scim_users'
    )
    const answer = await scim(method, path.replace(':id', id), body)
    expect([answer.status, answer.body]).toMatchObject([
      400,
      { schemas: [errorSchema], status: '400', scimType: kind }
    ])
    expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/)
  })

  test('D10 a filter’s value is a value, whatever stands in it', async () => {
    for (const value of [`' OR 1=1 --`, '%', '_', `a\\"b`, '\\u0000'.slice(1)]) {
      const { status, body } = await find(`userName eq ${JSON.stringify(value)}`)
      expect([status, body.totalResults], value).toEqual([200, 0])
    }
  })
})

describe('a SCIM token', () => {
  const tokens = '/api/v1/scim-tokens'

  test('C11 is shown once, kept as a hash, checksummed, and revoked on every replica', async () => {
    const { people } = world
    const made = await people.admin.call('POST', tokens, { name: 'Okta' })
    expect(made.body.token).toMatch(/^wftc_[0-9A-Za-z]{36}$/)
    const { items } = (await people.admin.call('GET', tokens)).body
    expect(items[0]).toEqual({ ...made.body, token: undefined })
    expect(JSON.stringify(await people.sql('SELECT * FROM scim_tokens'))).not.toContain(
      made.body.token.slice(5)
    )
    expect((await scim('GET', '/Users', undefined, made.body.token)).status).toBe(200)
    expect((await people.admin.call('DELETE', `${tokens}/${made.body.id}`)).status).toBe(204)
    expect((await people.admin.call('DELETE', `${tokens}/${made.body.id}`)).status).toBe(404)
    const refused = await scim('GET', '/Users', undefined, made.body.token)
    expect([refused.status, refused.body]).toMatchObject([
      401,
      { schemas: [errorSchema], status: '401' }
    ])
    const expiresAt = new Date(0).toISOString()
    expect((await people.admin.call('POST', tokens, { name: 'x', expiresAt })).status).toBe(400)
  })

  test('403 for members, and for everything but SCIM; no other caller does SCIM', async () => {
    const { people, token } = world
    const bob = await people.member('bob')
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', { name: 'x' }]
    ] as const) {
      expect((await bob.call(method, tokens, body)).status).toBe(403)
    }
    const headers = { host: 'weft.test', authorization: `Bearer ${token}` }
    for (const url of [
      '/api/v1/members',
      '/api/v1/fabrics',
      '/api/v1/teams',
      '/api/v1/scim-tokens',
      '/api/v1/me',
      `/fabrics/fab_${'0'.repeat(26)}/api/2.0/serving-endpoints`
    ]) {
      expect((await people.send('GET', url, headers)).status, url).toBe(403)
    }
    const admins = await people.admin.call('GET', '/scim/v2/Users')
    expect([admins.status, admins.body.schemas]).toEqual([403, [errorSchema]])
  })

  test('D1 is its tenant’s: what another one announced is not there', async () => {
    const { people } = world
    await people.createTenant('globex')
    const zoe = await people.enter({ sub: 'zoe', email: 'zoe@globex.test' }, 'globex')
    await people.promote(zoe)
    const { token } = (await zoe.call('POST', tokens, { name: 'Theirs' })).body
    const id = await world.user(entraUser('ours'))
    const mine = await scim('POST', '/Users', entraUser('ours'), token)
    expect(mine.status).toBe(201)
    expect((await scim('GET', '/Users', undefined, token)).body.totalResults).toBe(1)
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', entraUser('ours')],
      ['PATCH', patch({ op: 'replace', path: 'active', value: false })],
      ['DELETE', undefined]
    ] as const) {
      expect((await scim(method, `/Users/${id}`, body, token)).status).toBe(404)
    }
    expect((await scim('GET', `/Users/${id}`)).body.active).toBe(true)
  })

  test('each change is recorded as the token’s', async () => {
    await world.user(entraUser('recorded'))
    const events = await auditOf(world.people, world.people.acme.tenantId, 'scim_user.create')
    expect(events.at(-1)).toMatchObject({
      actor_kind: 'scim_token',
      details: { userName: 'recorded@acme.test', isActive: true }
    })
  })
})

describe('what the SCIM server says of itself', () => {
  test.each(['ServiceProviderConfig', 'ResourceTypes', 'Schemas'])('200 %s', async (name) => {
    const { status, body, headers } = await scim('GET', `/${name}`)
    expect([status, headers['content-type']]).toEqual([200, 'application/scim+json; charset=utf-8'])
    expect(body.schemas).toHaveLength(1)
    if (name !== 'ServiceProviderConfig') expect(body.Resources).toHaveLength(2)
  })
})
