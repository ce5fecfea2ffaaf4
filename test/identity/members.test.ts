import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPeople, type People, type Person } from './people.ts'
import { adminEmail, auditOf, errorOf, personNamed, type Replica } from './world.ts'

let people: People
let admin: Person
let elsewhere: Replica
beforeAll(async () => {
  people = await createPeople()
  elsewhere = people.replica()
  admin = people.admin
})
afterAll(() => people?.close())

const path = '/api/v1/members'
const one = (id: string) => `${path}/${id}`

async function versionOf(id: string): Promise<number> {
  return (await admin.call('GET', one(id))).body.version
}

async function change(by: Person, id: string, patch: object) {
  return await by.call('PATCH', one(id), { ...patch, version: await versionOf(id) })
}

/** Whether the session is believed by another process. */
async function isIn({ sessionToken }: Person): Promise<boolean> {
  await elsewhere.noticeChanges()
  const error = await errorOf(
    elsewhere.identity.authenticate({
      sessionToken,
      bearer: null,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
  return error === null
}

async function grantOf(person: Person, id: string): Promise<void> {
  await people.sql(
    `INSERT INTO app_connections (id, tenant_id, name, provider, client_auth_method, is_default, created_at, updated_at)
     VALUES ('apc_1', $1, 'a', 'databricks', 'client_secret_post', false, now(), now()) ON CONFLICT DO NOTHING`,
    [people.acme.tenantId]
  )
  await people.sql(
    `INSERT INTO grants (id, tenant_id, kind, user_id, workspace_origin, app_connection_id, state, since, created_at)
     VALUES ($1, $2, 'user', $3, 'https://w.test', 'apc_1', 'active', now(), now())`,
    [id, people.acme.tenantId, person.id]
  )
}

describe('members', () => {
  test('200 page by page, with role, status, teams and last login', async () => {
    const [ann, bob] = [await people.member('ann'), await people.member('bob')]
    const first = await admin.call('GET', `${path}?limit=2`)
    expect(first.body.items.map(({ id }: Person) => id)).toEqual([bob.id, ann.id])
    const second = await admin.call('GET', `${path}?limit=2&cursor=${first.body.nextCursor}`)
    expect(second.body).toMatchObject({ items: [{ id: admin.id }], nextCursor: null })
    const { body, headers } = await admin.call('GET', one(ann.id))
    expect(body).toMatchObject({
      email: 'ann@acme.test',
      name: 'ann',
      role: 'member',
      status: 'active',
      teams: [
        { name: 'Everyone', role: 'member' },
        { name: 'ann@acme.test', role: 'admin' }
      ],
      lastLoginAt: expect.stringMatching(/^20/),
      version: 1
    })
    expect(headers.etag).toBe('"1"')
  })

  test('403 for members, who administer no team but their own', async () => {
    const cat = await people.member('cat')
    for (const [method, url, body] of [
      ['GET', path, undefined],
      ['GET', one(admin.id), undefined],
      ['PATCH', one(cat.id), { role: 'tenant_admin', version: 1 }],
      ['DELETE', one(admin.id), undefined]
    ] as const) {
      const answer = await cat.call(method, url, body)
      expect([answer.status, answer.body.code], `${method} ${url}`).toEqual([403, 'forbidden'])
    }
  })

  test('200 for an admin of a shared team: a directory, with no team that they do not see', async () => {
    const dan = await people.member('dan')
    const { body: team } = await admin.call('POST', '/api/v1/teams', { name: 'Dan’s' })
    await admin.call('PUT', `/api/v1/teams/${team.id}/members/${dan.id}`, { role: 'admin' })
    const { body } = await dan.call('GET', one(admin.id))
    expect(body.teams.map(({ name }: { name: string }) => name)).toEqual(['Everyone'])
  })

  test('D1 404 for another tenant’s admin, in the same words as for nobody', async () => {
    await people.createTenant('globex')
    const zoe = await people.enter(personNamed('zoe'), 'globex')
    await people.promote(zoe)
    const nobody = `usr_${'0'.repeat(26)}`
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', { role: 'member', version: 1 }],
      ['DELETE', undefined]
    ] as const) {
      const answers = await Promise.all(
        [admin.id, nobody].map((id) => zoe.call(method, one(id), body))
      )
      const [foreign, none] = answers.map(({ status, body }) => ({
        status,
        body: { ...body, instance: '' }
      }))
      expect(foreign).toEqual(none)
      expect(foreign?.status).toBe(404)
    }
    expect((await zoe.call('GET', path)).body.items).toHaveLength(1)
  })

  test('D11 400 for what a member is not, 412 for a stale version, and nothing changes', async () => {
    const eve = await people.member('eve')
    for (const patch of [
      { role: 'owner' },
      { status: 'gone' },
      { role: 'member', tenantId: 'ten_x' },
      { status: { not: '' } }
    ]) {
      expect((await change(admin, eve.id, patch)).status).toBe(400)
    }
    expect((await admin.call('PATCH', one(eve.id), { role: 'member' })).status).toBe(400)
    const stale = await admin.call('PATCH', one(eve.id), { role: 'tenant_admin', version: 7 })
    expect([stale.status, stale.body.code]).toEqual([412, 'version_conflict'])
    expect(await versionOf(eve.id)).toBe(1)
  })
})

describe('D13 off-boarding', () => {
  test('D13 who is suspended is out on every replica, keeps nothing open and comes back with a new login', async () => {
    const fay = await people.member('fay')
    expect((await change(admin, fay.id, { status: 'suspended' })).body).toMatchObject({
      status: 'suspended',
      version: 2
    })
    expect(await isIn(fay)).toBe(false)
    expect((await fay.call('GET', '/api/v1/me')).status).toBe(401)
    expect((await errorOf(people.member('fay')))?.code).toBe('forbidden')
    expect((await change(admin, fay.id, { status: 'active' })).status).toBe(200)
    expect(await isIn(fay)).toBe(false)
    expect(await isIn(await people.member('fay'))).toBe(true)
  })

  test('D13 who is demoted or promoted is so with the next request', async () => {
    const gil = await people.member('gil')
    expect((await change(admin, gil.id, { role: 'tenant_admin' })).status).toBe(200)
    expect((await gil.call('GET', path)).status).toBe(200)
    expect((await change(admin, gil.id, { role: 'member' })).status).toBe(200)
    expect((await gil.call('GET', path)).status).toBe(403)
  })

  test('D13 who is removed leaves nothing that a return would inherit, and what their teams own stays', async () => {
    const [hal, ida] = [await people.member('hal'), await people.member('ida')]
    await grantOf(hal, 'grt_of_hal')
    const teams = async (person: Person) => {
      const { teams } = (await admin.call('GET', one(person.id))).body
      return teams.find(({ role }: { role: string }) => role === 'admin').id
    }
    const [empty, owning] = [await teams(hal), await teams(ida)]
    await people.sql(
      `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider,
         workspace_origin, auth_method, service_principal_use, has_endpoint_list, endpoint_allow_list,
         status, created_at, updated_at)
       VALUES ('fab_1', $1, $2, 'f', 'f', '', 'sql', 'databricks', 'https://w.test', 'oauth', 'admins',
         false, '{}', 'draft', now(), now())`,
      [people.acme.tenantId, owning]
    )
    for (const person of [hal, ida]) {
      expect((await admin.call('DELETE', one(person.id))).status).toBe(204)
      expect(await isIn(person)).toBe(false)
      expect((await admin.call('GET', one(person.id))).status).toBe(404)
    }
    expect(await people.sql('SELECT FROM grants')).toEqual([])
    expect(await auditOf(people, people.acme.tenantId, 'connection.delete')).toHaveLength(1)
    const left = await people.sql('SELECT id FROM teams WHERE id = ANY($1)', [[empty, owning]])
    expect(left).toEqual([{ id: owning }])
    expect((await admin.call('DELETE', one(hal.id))).status).toBe(404)
    const back = await people.member('hal')
    expect(back.id).toBe(hal.id)
    expect((await admin.call('GET', one(hal.id))).body).toMatchObject({
      role: 'member',
      version: 1
    })
  })

  test('D13 a membership elsewhere is untouched, and one’s own list leaves out who suspended one', async () => {
    const jim = await people.enter(personNamed('jim'), 'globex')
    const here = await people.member('jim')
    expect((await jim.call('GET', '/api/v1/me')).body.tenants).toHaveLength(2)
    await change(admin, here.id, { status: 'suspended' })
    const { body } = await jim.call('GET', '/api/v1/me')
    expect(body.tenants).toMatchObject([{ slug: 'globex' }])
    const entering = await jim.call('POST', '/api/v1/me/tenant', { tenantId: people.acme.tenantId })
    expect(entering.status).toBe(404)
  })
})

describe('the last tenant admin', () => {
  test('409 for demoting, suspending or removing them', async () => {
    for (const patch of [{ role: 'member' }, { status: 'suspended' }]) {
      const answer = await change(admin, admin.id, patch)
      expect([answer.status, answer.body.code]).toEqual([409, 'conflict'])
    }
    expect((await admin.call('DELETE', one(admin.id))).status).toBe(409)
    expect(await isIn(admin)).toBe(true)
  })

  test('409 though there is another one, who is suspended', async () => {
    const kim = await people.member('kim')
    await change(admin, kim.id, { role: 'tenant_admin' })
    await change(admin, kim.id, { status: 'suspended' })
    expect((await change(admin, admin.id, { role: 'member' })).status).toBe(409)
    await change(admin, kim.id, { role: 'member' })
  })

  test.each(['PATCH', 'DELETE'] as const)(
    '%s: of two admins who do it to each other at once, one stays',
    async (method) => {
      const lee = await people.member('lee')
      expect((await change(admin, lee.id, { role: 'tenant_admin' })).status).toBe(200)
      const [a, b] = [await versionOf(admin.id), await versionOf(lee.id)]
      const body = (version: number) =>
        method === 'PATCH' ? { role: 'member', version } : undefined
      const done = await Promise.all([
        admin.call(method, one(lee.id), body(b)),
        lee.call(method, one(admin.id), body(a))
      ])
      const succeeded = done.filter(({ status }) => status < 300)
      expect(succeeded).toHaveLength(1)
      const left = await people.sql(
        `SELECT FROM memberships WHERE tenant_id = $1 AND role = 'tenant_admin' AND status = 'active'`,
        [people.acme.tenantId]
      )
      expect(left).toHaveLength(1)
      await people.sql(`UPDATE memberships SET role = 'member' WHERE user_id = $1`, [lee.id])
      // Whoever lost: the next round begins with the first admin alone.
      admin = await people.enter({ sub: 'root', email: adminEmail, email_verified: true })
      await people.promote(admin)
    }
  )
})
