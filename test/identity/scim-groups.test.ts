import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Person } from './people.ts'
import { createScimWorld, entraUser, errorSchema, patch, type ScimWorld } from './scim-world.ts'
import { personNamed } from './world.ts'

let world: ScimWorld
let scim: ScimWorld['scim']
let ann: Person
/** SCIM ids: Ann has logged in, Bob has not yet. */
let annId: string
let bobId: string
beforeAll(async () => {
  world = await createScimWorld()
  scim = world.scim
  annId = await world.user(entraUser('ann'))
  bobId = await world.user(entraUser('bob'))
  ann = await world.people.enter(personNamed('ann', { sub: 'oid-ann' }))
})
afterAll(() => world?.people.close())

const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group'

/** Create Group, as Microsoft documents what Entra ID sends. */
const entraGroup = (displayName: string) => ({
  schemas: [
    groupSchema,
    'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'
  ],
  externalId: `8aa1a0c0-${displayName}`,
  displayName,
  meta: { resourceType: 'Group' }
})

async function group(body: object): Promise<string> {
  const answer = await scim('POST', '/Groups', body)
  if (answer.status !== 201) throw new TypeError(answer.text)
  return answer.body.id
}

const change = (id: string, ...operations: object[]) =>
  scim('PATCH', `/Groups/${id}`, patch(...operations))

/** Who is there by SCIM, and which members of the tenant have a place in the team. */
async function membersOf(id: string): Promise<{ there: string[]; here: string[] }> {
  const { body } = await scim('GET', `/Groups/${id}`)
  const { items } = (await world.people.admin.call('GET', `/api/v1/teams/${id}/members`)).body
  return {
    there: body.members.map(({ value }: { value: string }) => value).sort(),
    here: items.map(({ userId }: { userId: string }) => userId).sort()
  }
}

describe('SCIM groups as Entra ID writes them', () => {
  test('201 created as a team, found by displayName, read with and without members', async () => {
    const made = await scim('POST', '/Groups', entraGroup('Analysts'))
    expect(made.status).toBe(201)
    const { id } = made.body
    expect(made.body).toMatchObject({
      schemas: [groupSchema],
      externalId: '8aa1a0c0-Analysts',
      displayName: 'Analysts',
      members: []
    })
    const filter = encodeURIComponent('displayName eq "Analysts"')
    const { body } = await scim('GET', `/Groups?excludedAttributes=members&filter=${filter}`)
    expect(body).toMatchObject({ totalResults: 1, Resources: [{ id, displayName: 'Analysts' }] })
    expect(body.Resources[0]).not.toHaveProperty('members')
    const lean = await scim('GET', `/Groups/${id}?excludedAttributes=members`)
    expect(lean.body).not.toHaveProperty('members')
    const team = (await world.people.admin.call('GET', `/api/v1/teams/${id}`)).body
    expect(team).toMatchObject({ name: 'Analysts', kind: 'shared', isDefault: false })
  })

  test('204 members added and removed: who has logged in has the place, who will gets it then', async () => {
    const id = await group(entraGroup('Writers'))
    const members = (ids: string[]) => ids.map((value) => ({ $ref: null, value }))
    const added = await change(id, { op: 'Add', path: 'members', value: members([annId, bobId]) })
    expect([added.status, added.text]).toEqual([204, ''])
    expect(await membersOf(id)).toEqual({ there: [annId, bobId].sort(), here: [ann.id] })
    expect((await ann.call('GET', `/api/v1/teams/${id}`)).status).toBe(200)
    expect((await scim('GET', `/Users/${annId}`)).body.groups).toContainEqual({
      value: id,
      display: 'Writers'
    })
    const bob = await world.people.enter(personNamed('bob', { sub: 'oid-bob' }))
    expect((await membersOf(id)).here).toEqual([ann.id, bob.id].sort())
    const filter = encodeURIComponent(`id eq "${id}" and members eq "${annId}"`)
    expect((await scim('GET', `/Groups?filter=${filter}`)).body.totalResults).toBe(1)
    await change(id, { op: 'Remove', path: 'members', value: members([annId]) })
    expect(await membersOf(id)).toEqual({ there: [bobId], here: [bob.id] })
    expect((await ann.call('GET', `/api/v1/teams/${id}`)).status).toBe(404)
    await change(id, { op: 'Remove', path: `members[value eq "${bobId}"]` })
    expect(await membersOf(id)).toEqual({ there: [], here: [] })
    expect((await scim('GET', `/Groups?filter=${filter}`)).body.totalResults).toBe(0)
  })

  test('204 renamed', async () => {
    const id = await group(entraGroup('Old name'))
    const renamed = await change(id, { op: 'Replace', path: 'displayName', value: 'New name' })
    expect(renamed.status).toBe(204)
    expect((await scim('GET', `/Groups/${id}`)).body.displayName).toBe('New name')
    expect((await world.people.admin.call('GET', `/api/v1/teams/${id}`)).body.name).toBe('New name')
  })

  test('204 deleted; a team that owns fabrics stays, without those whom the group put there', async () => {
    const [empty, owning] = [await group(entraGroup('Empty')), await group(entraGroup('Owning'))]
    await change(owning, { op: 'Add', path: 'members', value: [{ value: annId }] })
    await world.people.sql(
      `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider,
         workspace_origin, auth_method, service_principal_use, has_endpoint_list, endpoint_allow_list,
         status, created_at, updated_at)
       VALUES ('fab_1', $1, $2, 'f', 'f', '', 'sql', 'databricks', 'https://w.test', 'oauth', 'admins',
         false, '{}', 'draft', now(), now())`,
      [world.people.acme.tenantId, owning]
    )
    for (const id of [empty, owning]) {
      expect((await scim('DELETE', `/Groups/${id}`)).status).toBe(204)
      expect((await scim('GET', `/Groups/${id}`)).status).toBe(404)
    }
    const team = (id: string) => world.people.admin.call('GET', `/api/v1/teams/${id}`)
    expect([(await team(empty)).status, (await team(owning)).status]).toEqual([404, 200])
    const { items } = (await world.people.admin.call('GET', `/api/v1/teams/${owning}/members`)).body
    expect(items).toEqual([])
  })
})

describe('SCIM groups as Okta writes them', () => {
  test('201 pushed, renamed without a path, members replaced, removed and added in one', async () => {
    const id = await group({ schemas: [groupSchema], displayName: 'Test SCIMv2', members: [] })
    const named = await change(id, { op: 'replace', value: { id, displayName: 'Test SCIMv20' } })
    expect(named.status).toBe(204)
    expect((await scim('GET', `/Groups/${id}`)).body.displayName).toBe('Test SCIMv20')
    const display = 'test.user@okta.local'
    await change(id, { op: 'replace', path: 'members', value: [{ value: annId, display }] })
    expect((await membersOf(id)).there).toEqual([annId])
    await change(
      id,
      { op: 'remove', path: `members[value eq "${annId}"]` },
      { op: 'add', path: 'members', value: [{ value: bobId, display }] }
    )
    expect((await membersOf(id)).there).toEqual([bobId])
    const replaced = await scim('PUT', `/Groups/${id}`, {
      schemas: [groupSchema],
      displayName: 'Test SCIMv2',
      members: [{ value: annId, display }]
    })
    expect([replaced.status, replaced.body.members]).toEqual([
      200,
      [{ value: annId, display: 'ann@acme.test' }]
    ])
  })
})

describe('teams and groups', () => {
  test('a place that was given by hand stays when the group takes its own', async () => {
    const id = await group(entraGroup('Mixed'))
    const { admin } = world.people
    await admin.call('PUT', `/api/v1/teams/${id}/members/${ann.id}`, { role: 'admin' })
    await change(id, { op: 'Add', path: 'members', value: [{ value: annId }] })
    await change(id, { op: 'Remove', path: `members[value eq "${annId}"]` })
    expect(await membersOf(id)).toEqual({ there: [], here: [ann.id] })
  })

  test('an admin role given by hand to someone whom the group put there goes with the group', async () => {
    const id = await group(entraGroup('Led'))
    await change(id, { op: 'Add', path: 'members', value: [{ value: annId }] })
    const { admin } = world.people
    await admin.call('PUT', `/api/v1/teams/${id}/members/${ann.id}`, { role: 'admin' })
    await change(id, { op: 'Remove', path: `members[value eq "${annId}"]` })
    expect(await membersOf(id)).toEqual({ there: [], here: [] })
  })

  test('409 for the name of a team that is there: no group takes over a team', async () => {
    for (const displayName of ['Everyone', 'Analysts']) {
      const refused = await scim('POST', '/Groups', entraGroup(displayName))
      expect([refused.status, refused.body]).toMatchObject([
        409,
        { schemas: [errorSchema], scimType: 'uniqueness' }
      ])
    }
    const { items } = (await world.people.admin.call('GET', '/api/v1/teams')).body
    const everyone = items.find(({ name }: { name: string }) => name === 'Everyone')
    const mine = await ann.call('GET', '/api/v1/teams')
    const personal = mine.body.items.find(({ kind }: { kind: string }) => kind === 'personal')
    for (const { id } of [everyone, personal]) {
      expect((await scim('GET', `/Groups/${id}`)).status).toBe(404)
      expect((await scim('DELETE', `/Groups/${id}`)).status).toBe(404)
    }
  })

  test('400 for a member who was never announced, and nothing is changed', async () => {
    const id = await group(entraGroup('Strict'))
    for (const value of [`scu_${'0'.repeat(26)}`, ann.id, 'x']) {
      const refused = await change(id, { op: 'Add', path: 'members', value: [{ value }] })
      expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidValue'])
    }
    for (const body of [{ displayName: '' }, { displayName: 7 }, { displayName: ['x'] }, {}]) {
      expect((await scim('POST', '/Groups', body)).status).toBe(400)
    }
    expect(await membersOf(id)).toEqual({ there: [], here: [] })
  })
})
