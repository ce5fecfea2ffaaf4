import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPeople, type People, type Person } from './people.ts'
import { auditOf, personNamed } from './world.ts'

let people: People
let admin: Person
/** Admin of team red, member of it, and of no team but everyone's. */
let lead: Person
let member: Person
let outsider: Person
let red: string
beforeAll(async () => {
  people = await createPeople()
  admin = people.admin
  lead = await people.member('lead')
  member = await people.member('member')
  outsider = await people.member('outsider')
  red = (await admin.call('POST', path, { name: 'Red' })).body.id
  await put(admin, red, lead, 'admin')
  await put(admin, red, member, 'member')
})
afterAll(() => people?.close())

const path = '/api/v1/teams'
const one = (id: string) => `${path}/${id}`

async function put(by: Person, team: string, person: Person, role: string) {
  return await by.call('PUT', `${one(team)}/members/${person.id}`, { role })
}

async function personalTeamOf(person: Person): Promise<string> {
  const { items } = (await person.call('GET', path)).body
  return items.find(({ kind }: { kind: string }) => kind === 'personal').id
}

async function namesFor(person: Person): Promise<string[]> {
  const { items } = (await person.call('GET', path)).body
  return items.map(({ name }: { name: string }) => name)
}

describe('teams', () => {
  test('200 everyone sees their own, an admin all, page by page', async () => {
    expect((await namesFor(lead)).sort()).toEqual(['Everyone', 'Red', 'lead@acme.test'])
    expect(await namesFor(outsider)).toEqual(['outsider@acme.test', 'Everyone'])
    expect(await namesFor(admin)).toHaveLength(6)
    const page = (await lead.call('GET', `${path}?limit=2`)).body
    const next = (await lead.call('GET', `${path}?limit=2&cursor=${page.nextCursor}`)).body
    expect([...page.items, ...next.items]).toHaveLength(3)
    expect(next.nextCursor).toBeNull()
  })

  test('201 for a tenant admin, without joining it; 400 for a name that is taken; 403 for a team admin', async () => {
    const made = await admin.call('POST', path, { name: 'Blue' })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      name: 'Blue',
      kind: 'shared',
      isDefault: false,
      version: 1
    })
    const { items } = (await admin.call('GET', `${one(made.body.id)}/members`)).body
    expect(items).toEqual([])
    const taken = await admin.call('POST', path, { name: 'Blue' })
    expect([taken.status, taken.body.errors]).toEqual([
      400,
      [{ pointer: '/name', message: 'is taken' }]
    ])
    for (const body of [{ name: '' }, { name: 'x', kind: 'personal' }, { name: ['x'] }]) {
      expect((await admin.call('POST', path, body)).status).toBe(400)
    }
    expect((await lead.call('POST', path, { name: 'Green' })).status).toBe(403)
  })

  test('200 renamed by its admin, 412 for a stale version, 403 for its members', async () => {
    const { body: team } = await admin.call('POST', path, { name: 'Old' })
    await put(admin, team.id, lead, 'admin')
    await put(admin, team.id, member, 'member')
    const renamed = await lead.call('PATCH', one(team.id), { name: 'New', version: 1 })
    expect([renamed.status, renamed.body.name, renamed.headers.etag]).toEqual([200, 'New', '"2"'])
    expect((await lead.call('PATCH', one(team.id), { name: 'X', version: 1 })).status).toBe(412)
    expect((await lead.call('PATCH', one(team.id), { name: 'Red', version: 2 })).status).toBe(400)
    expect((await member.call('PATCH', one(team.id), { name: 'X', version: 2 })).status).toBe(403)
    expect((await member.call('DELETE', one(team.id))).status).toBe(403)
    expect((await lead.call('DELETE', one(team.id))).status).toBe(204)
    expect((await lead.call('GET', one(team.id))).status).toBe(404)
  })

  test('D1 404 for whoever does not see it, of this tenant or another, in the words of no team at all', async () => {
    await people.createTenant('globex')
    const zoe = await people.enter(personNamed('zoe'), 'globex')
    await people.promote(zoe)
    const none = `team_${'0'.repeat(26)}`
    for (const [method, tail, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x', version: 1 }],
      ['DELETE', '', undefined],
      ['GET', '/members', undefined],
      ['PUT', `/members/${outsider.id}`, { role: 'admin' }],
      ['DELETE', `/members/${member.id}`, undefined]
    ] as const) {
      for (const person of [outsider, zoe]) {
        const answers = await Promise.all(
          [red, none].map((id) => person.call(method, one(id) + tail, body))
        )
        const [hidden, absent] = answers.map(({ status, body }) => ({ ...body, instance: status }))
        expect(hidden, `${method} ${tail}`).toEqual(absent)
        expect(hidden.code).toBe('not_found')
      }
    }
  })

  test('409 while it owns fabrics, by an admin of the tenant as well', async () => {
    const { body: team } = await admin.call('POST', path, { name: 'Owning' })
    await people.sql(
      `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider,
         workspace_origin, auth_method, service_principal_use, has_endpoint_list, endpoint_allow_list,
         status, created_at, updated_at)
       VALUES ('fab_1', $1, $2, 'f', 'f', '', 'sql', 'databricks', 'https://w.test', 'oauth', 'admins',
         false, '{}', 'draft', now(), now())`,
      [people.acme.tenantId, team.id]
    )
    const refused = await admin.call('DELETE', one(team.id))
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
    await people.sql('DELETE FROM fabrics')
    expect((await admin.call('DELETE', one(team.id))).status).toBe(204)
  })
})

describe('members of a team', () => {
  test('200 its admin adds, promotes and lists; its members list; nobody adds who is no member of the tenant', async () => {
    expect((await put(lead, red, outsider, 'member')).body).toMatchObject({
      userId: outsider.id,
      email: 'outsider@acme.test',
      role: 'member',
      status: 'active'
    })
    expect((await put(lead, red, outsider, 'admin')).body.role).toBe('admin')
    const { items } = (await member.call('GET', `${one(red)}/members`)).body
    expect(items).toHaveLength(3)
    expect((await lead.call('DELETE', `${one(red)}/members/${outsider.id}`)).status).toBe(204)
    expect((await outsider.call('GET', one(red))).status).toBe(404)
    expect((await lead.call('DELETE', `${one(red)}/members/${outsider.id}`)).status).toBe(404)
    const stranger = await people.enter(personNamed('yan'), 'globex')
    expect((await put(lead, red, stranger, 'member')).status).toBe(404)
    expect((await put(lead, red, outsider, 'owner')).status).toBe(400)
  })

  test('D13 403 for a plain member, who does not make themself an admin', async () => {
    expect((await put(member, red, member, 'admin')).status).toBe(403)
    expect((await member.call('DELETE', `${one(red)}/members/${lead.id}`)).status).toBe(403)
    expect((await put(lead, red, member, 'member')).status).toBe(200)
  })

  test('each change is one record', async () => {
    const before = (await auditOf(people, people.acme.tenantId, 'team_member.put')).length
    await put(lead, red, member, 'member')
    const events = await auditOf(people, people.acme.tenantId, 'team_member.put')
    expect(events).toHaveLength(before + 1)
    expect(events.at(-1)).toMatchObject({ details: { userId: member.id, role: 'member' } })
  })
})

describe('a personal team', () => {
  test('403 for sharing, renaming or deleting it, by its person and by an admin of the tenant', async () => {
    const own = await personalTeamOf(lead)
    for (const person of [lead, admin]) {
      for (const answer of [
        await put(person, own, member, 'member'),
        await person.call('PATCH', one(own), { name: 'x', version: 1 }),
        await person.call('DELETE', one(own)),
        await person.call('DELETE', `${one(own)}/members/${lead.id}`)
      ]) {
        expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
      }
    }
  })

  test('404 for anybody else', async () => {
    expect((await member.call('GET', one(await personalTeamOf(lead)))).status).toBe(404)
  })
})

describe('the team that everybody joins', () => {
  test('is joined by newcomers, and no other team is', async () => {
    const newcomer = await people.member('newcomer')
    expect(await namesFor(newcomer)).toEqual(['newcomer@acme.test', 'Everyone'])
  })
})
