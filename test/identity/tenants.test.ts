import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandLineCall } from '../../src/identity/identity.ts'
import { createPeople, type People, type Person } from './people.ts'
import { auditOf, clientSecret, codeOf, personNamed, type Replica } from './world.ts'

let people: People
let operator: Person
let elsewhere: Replica
beforeAll(async () => {
  people = await createPeople()
  elsewhere = people.replica()
  operator = people.admin
})
afterAll(() => people?.close())

const path = '/api/v1/tenants'
let count = 0
async function tenant(input: object = {}) {
  count += 1
  const { status, body } = await operator.call('POST', path, {
    slug: `t${count}`,
    name: `Tenant ${count}`,
    ...input
  })
  expect(status).toBe(201)
  return body
}

/** What another replica makes of a credential once it has heard of the changes. */
async function seen(sessionToken: string | null, bearer: string | null = null) {
  await elsewhere.noticeChanges()
  return await codeOf(
    elsewhere.identity.authenticate({
      sessionToken,
      bearer,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
}

describe('who is an operator', () => {
  test('the bootstrap admin, from their first login on, and it is told', async () => {
    expect((await operator.call('GET', '/api/v1/me')).body).toMatchObject({
      role: 'tenant_admin',
      isPlatformOperator: true
    })
    const { acme } = people
    const [record] = await auditOf(people, acme.tenantId, 'operator.add')
    expect(record).toMatchObject({ actor_kind: 'system' })
  })

  test('403 forbidden for a tenant admin, a member and a stranger’s 401, on every route', async () => {
    const { id } = await tenant()
    const boss = await people.member('boss')
    await people.promote(boss)
    const member = await people.member('mia')
    const routes = [
      ['GET', path],
      ['POST', path],
      ['GET', `${path}/${id}`],
      ['PATCH', `${path}/${id}`],
      ['POST', `${path}/${id}/suspend`],
      ['POST', `${path}/${id}/resume`],
      ['DELETE', `${path}/${id}?confirm=t1`],
      ['GET', `${path}/${id}/erasure`]
    ] as const
    for (const [method, url] of routes) {
      const body = method === 'POST' && url === path ? { slug: 'x', name: 'x' } : undefined
      for (const who of [boss, member]) {
        const { status, body: problem } = await who.call(method, url, body)
        expect([method, url, status, problem.code]).toEqual([method, url, 403, 'forbidden'])
      }
      const stranger = await people.send(method, url, { host: 'weft.test' }, body)
      expect([method, url, stranger.status]).toEqual([method, url, 401])
    }
    expect((await boss.call('GET', '/api/v1/me')).body.isPlatformOperator).toBe(false)
  })

  test('is no role inside a tenant: no row of another tenant, and no more rights in one’s own', async () => {
    const plain = await people.member('olga')
    await people.identity.operators.add({ userId: plain.id })
    const { id } = await tenant()
    expect((await plain.call('GET', `${path}/${id}`)).status).toBe(200)
    for (const url of [
      '/api/v1/app-connections',
      '/api/v1/audit-events',
      '/api/v1/service-accounts'
    ]) {
      expect([url, (await plain.call('GET', url)).status]).toEqual([url, 403])
    }
    expect((await plain.call('POST', '/api/v1/me/tenant', { tenantId: id })).status).toBe(404)
    await people.identity.operators.remove({ userId: plain.id })
    expect((await plain.call('GET', path)).status).toBe(403)
    expect(await seen(plain.sessionToken)).toBe('no error')
  })

  test('A8 an operator is named by id, or by an address that this very issuer has verified', async () => {
    const { operators } = people.identity
    const { issuer } = people.oidc
    const [ivy, uma] = [
      await people.member('ivy'),
      await people.enter(personNamed('uma', { email_verified: false }))
    ]
    const refused = [
      { email: 'ivy@acme.test', issuer: `${issuer}/other` },
      { email: 'iv_@acme.test', issuer },
      { email: '%', issuer },
      { email: 'uma@acme.test', issuer },
      { userId: 'usr_nobody' }
    ]
    for (const who of refused) expect(await codeOf(operators.add(who))).toBe('not_found')
    expect(await operators.add({ email: 'IVY@acme.test', issuer })).toMatchObject({
      userId: ivy.id
    })
    expect(await codeOf(operators.remove({ userId: uma.id }))).toBe('not_found')
    expect((await operators.list()).map(({ userId }) => userId)).toEqual([operator.id, ivy.id])
    await operators.remove({ userId: ivy.id })
  })

  test('the bootstrap address makes nobody an operator a second time', async () => {
    const { operators } = people.identity
    await operators.remove({ userId: operator.id })
    await people.enter({ sub: 'root', email: 'admin@acme.test', email_verified: true })
    expect(await operators.list()).toEqual([])
    await operators.add({ userId: operator.id })
    expect((await operators.list()).map(({ userId }) => userId)).toEqual([operator.id])
  })
})

describe('tenants', () => {
  test('201 with or without a login provider; 200 read, listed page by page, renamed', async () => {
    const bare = await tenant({ firstAdminEmail: 'Ann@New.test' })
    expect(bare).toMatchObject({
      status: 'active',
      version: 1,
      redirectUri: null,
      counts: { members: 0, teams: 1, appConnections: 0, fabrics: 0, serviceAccounts: 0 }
    })
    const login = { issuer: people.oidc.issuer, clientId: 'client-of-x', clientSecret }
    const whole = await tenant({ login })
    expect(whole.redirectUri).toMatch(/\/auth\/callback\/lgp_/)
    const first = await operator.call('GET', `${path}?limit=1`)
    expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual([whole.id])
    const second = await operator.call('GET', `${path}?limit=1&cursor=${first.body.nextCursor}`)
    expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual([bare.id])

    const one = `${path}/${bare.id}`
    const renamed = await operator.call('PATCH', one, { name: 'Renamed', version: 1 })
    expect(renamed.body).toMatchObject({ name: 'Renamed', version: 2, slug: bare.slug })
    expect(renamed.headers.etag).toBe('"2"')
    const stale = await operator.call('PATCH', one, { name: 'Stale', version: 1 })
    expect([stale.status, stale.body.code]).toEqual([412, 'version_conflict'])
    expect((await auditOf(people, bare.id, 'tenant.update')).length).toBe(1)
  })

  test('the person who was named becomes its first admin, and an operator of nothing', async () => {
    const login = { issuer: people.oidc.issuer, clientId: 'client-of-named', clientSecret }
    const { slug } = await tenant({ slug: 'named', firstAdminEmail: 'nia@acme.test', login })
    const nia = await people.enter(personNamed('nia'), slug)
    const { body } = await nia.call('GET', '/api/v1/me')
    expect(body).toMatchObject({ role: 'tenant_admin', isPlatformOperator: false })
  })

  test('400 for what is no slug, address or member; for a slug that is taken', async () => {
    const { slug } = await tenant()
    const faulty: [object, string][] = [
      [{ slug, name: 'n' }, '/slug'],
      [{ slug: 'acme', name: 'n' }, '/slug'],
      [{ slug: 'a--b', name: 'n' }, '/slug'],
      [{ slug: 'UPPER', name: 'n' }, '/slug'],
      [{ slug: 'ok', name: '' }, '/name'],
      [{ slug: 'ok', name: 'n', firstAdminEmail: 'a@b@c.test' }, '/firstAdminEmail'],
      [{ slug: 'ok', name: 'n', status: 'erasing' }, '/status'],
      [{ slug: 'ok', name: 'n', id: 'ten_x' }, '/id']
    ]
    for (const [input, pointer] of faulty) {
      const { status, body } = await operator.call('POST', path, input)
      expect([status, body.errors?.[0]?.pointer]).toEqual([400, pointer])
    }
  })

  test('404 for a tenant that is not there, in the same words on every route', async () => {
    const id = `ten_${'0'.repeat(26)}`
    const asked = [
      await operator.call('GET', `${path}/${id}`),
      await operator.call('PATCH', `${path}/${id}`, { name: 'n', version: 1 }),
      await operator.call('POST', `${path}/${id}/suspend`),
      await operator.call('POST', `${path}/${id}/resume`),
      await operator.call('DELETE', `${path}/${id}?confirm=x`),
      await operator.call('GET', `${path}/${id}/erasure`)
    ]
    expect(asked.map(({ status, body }) => [status, body.code])).toEqual(
      asked.map(() => [404, 'not_found'])
    )
  })
})

describe('suspension', () => {
  test('D13 A13 shuts sessions, keys, tokens and logins on every replica; resuming opens them again', async () => {
    const { tenantId } = await people.createTenant('globex')
    const gus = await people.enter(personNamed('gus'), 'globex')
    await people.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [gus.id])
    await people.sql('UPDATE tenants SET version = version + 1')
    await people.noticeChanges()
    const account = (await gus.call('POST', '/api/v1/service-accounts', { name: 'robot' })).body
    const keys = `/api/v1/service-accounts/${account.id}/keys`
    const { key } = (await gus.call('POST', keys, { name: 'k' })).body
    const { accessToken } = await people.identity.serviceTokens.issue({
      serviceAccountId: account.id,
      serviceKey: key,
      tenantSlug: null,
      target: null,
      source: '10.0.0.1',
      requestId: 'request-1'
    })
    const all = [() => seen(gus.sessionToken), () => seen(null, key), () => seen(null, accessToken)]
    for (const one of all) expect(await one()).toBe('no error')

    const one = `${path}/${tenantId}`
    expect((await operator.call('POST', `${one}/suspend`)).body.status).toBe('suspended')
    expect((await operator.call('POST', `${one}/suspend`)).body.status).toBe('suspended')
    for (const ask of all) expect(await ask()).toBe('unauthenticated')
    expect((await gus.call('GET', '/api/v1/me')).status).toBe(401)
    expect(await codeOf(people.start({ tenantSlug: 'globex' }))).toBe('not_found')
    const { body: listed } = await operator.call('GET', one)
    expect(listed).toMatchObject({
      status: 'suspended',
      counts: { members: 1, serviceAccounts: 1 }
    })

    expect((await operator.call('POST', `${one}/resume`)).body.status).toBe('active')
    // A bearer that was refused is not looked at again for five seconds.
    people.clock.advance(5_000)
    for (const ask of all) expect(await ask()).toBe('no error')
    for (const action of ['tenant.suspend', 'tenant.resume']) {
      expect(await auditOf(people, tenantId, action)).toMatchObject([{ actor_kind: 'user' }])
    }
  })

  test('D13 its calls under way end with the next review, on every replica; nobody else’s do', async () => {
    const { tenantId } = await people.createTenant('initech')
    const [ian, ada] = [await people.enter(personNamed('ian'), 'initech'), people.admin]
    const ends: string[] = []
    for (const replica of [people, elsewhere]) {
      for (const { sessionToken } of [ian, ada]) {
        const credentials = {
          sessionToken,
          bearer: null,
          source: '192.0.2.9',
          requestId: 'request-1'
        }
        const { scope } = await replica.identity.authenticate(credentials)
        replica.identity.openCalls.open(
          scope,
          () => replica.identity.authenticate(credentials),
          (why) => ends.push(`${scope.actor.id} ${why.code}`)
        )
      }
      await replica.identity.openCalls.review()
    }
    expect(ends).toEqual([])
    await operator.call('POST', `${path}/${tenantId}/suspend`)
    for (const replica of [people, elsewhere]) {
      await replica.noticeChanges()
      await replica.identity.openCalls.review()
    }
    expect(ends).toEqual([`${ian.id} unauthenticated`, `${ian.id} unauthenticated`])
  })

  test('403 for the operator’s own tenant, which the command line may suspend', async () => {
    const { tenantId } = people.acme
    const own = `${path}/${tenantId}`
    expect((await operator.call('POST', `${own}/suspend`)).body.code).toBe('forbidden')
    expect((await operator.call('DELETE', `${own}?confirm=acme`)).body.code).toBe('forbidden')
    const { tenants } = people.identity
    expect(await tenants.suspend(commandLineCall, tenantId)).toMatchObject({ status: 'suspended' })
    expect((await operator.call('GET', path)).status).toBe(401)
    await tenants.resume(commandLineCall, tenantId)
    expect((await operator.call('GET', path)).status).toBe(200)
  })
})
