import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createScimWorld,
  entraUser,
  errorSchema,
  oktaUser,
  patch,
  type ScimWorld,
  userSchema
} from './scim-world.ts'

let world: ScimWorld
let scim: ScimWorld['scim']
beforeAll(async () => {
  world = await createScimWorld()
  scim = world.scim
})
afterAll(() => world?.people.close())

const find = (filter: string) => scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)

describe('SCIM users as Entra ID writes them', () => {
  test('201 created, found by userName, externalId and work email, read', async () => {
    const made = await scim('POST', '/Users', entraUser('ann'))
    expect(made.status).toBe(201)
    expect(made.headers['content-type']).toBe('application/scim+json; charset=utf-8')
    const { id, meta } = made.body
    expect(made.body).toMatchObject({
      schemas: [userSchema],
      externalId: 'oid-ann',
      userName: 'ann@acme.test',
      active: true,
      emails: [{ primary: true, type: 'work', value: 'ann@acme.test' }],
      name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' }
    })
    expect(meta).toMatchObject({ resourceType: 'User' })
    expect(meta.location).toBe(`https://weft.test/scim/v2/Users/${id}`)
    for (const filter of [
      'userName eq "ann@acme.test"',
      'userName eq "ANN@ACME.TEST"',
      'externalId eq "oid-ann"',
      'externalId eq oid-ann',
      'emails[type eq "work"].value eq "ann@acme.test"',
      `${userSchema}:userName Eq "ann@acme.test" and externalId eq "oid-ann"`
    ]) {
      const { body } = await find(filter)
      expect(body.totalResults, filter).toBe(1)
      expect(body.Resources[0].id).toBe(id)
    }
    expect((await scim('GET', `/Users/${id}`)).body).toEqual(made.body)
  })

  test('200 with no results for a user who is not there, 404 for an id', async () => {
    const { status, body } = await find('userName eq "non-existent user"')
    expect([status, body]).toEqual([
      200,
      {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: 0,
        startIndex: 1,
        itemsPerPage: 0,
        Resources: []
      }
    ])
    for (const id of ['5171a35d82074e068ce2', `scu_${'0'.repeat(26)}`]) {
      const none = await scim('GET', `/Users/${id}`)
      expect([none.status, none.body]).toEqual([
        404,
        { schemas: [errorSchema], status: '404', detail: 'No such resource' }
      ])
    }
  })

  test('200 patched: several values, a filtered email, a userName, in any case of op', async () => {
    const id = await world.user(entraUser('bob'))
    const first = await scim(
      'PATCH',
      `/Users/${id}`,
      patch(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updated@acme.test' },
        { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
        { op: 'Add', path: 'nickName', value: 'Babs' },
        {
          op: 'Replace',
          path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber',
          value: 'Eqpj'
        }
      )
    )
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({
      name: { familyName: 'updatedFamilyName', givenName: 'givenName' },
      emails: [{ value: 'updated@acme.test', type: 'work', primary: true }]
    })
    const second = await scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'Replace', path: 'userName', value: '5b50642d@acme.test' })
    )
    expect(second.body.userName).toBe('5b50642d@acme.test')
    const compliant = await scim(
      'PATCH',
      `/Users/${id}`,
      patch(
        { op: 'replace', path: 'emails[type eq "home"].value', value: 'home@acme.test' },
        {
          op: 'replace',
          value: {
            displayName: 'Bjfe',
            'name.givenName': 'Kkom',
            'name.familyName': 'Unua',
            'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber': 'Aklq'
          }
        }
      )
    )
    expect(compliant.body).toMatchObject({
      displayName: 'Bjfe',
      name: { givenName: 'Kkom', familyName: 'Unua' },
      emails: [{ type: 'work' }, { type: 'home', value: 'home@acme.test' }]
    })
    const removed = await scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'Remove', path: 'displayName' })
    )
    expect(removed.body).not.toHaveProperty('displayName')
  })

  test.each([
    ['boolean', false],
    ['text', 'False'],
    ['loud', 'FALSE']
  ])('200 disabled by a %s, and enabled again', async (name, value) => {
    const id = await world.user(entraUser(`disabled-${name}`))
    const off = await scim('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value }))
    expect([off.status, off.body.active]).toEqual([200, false])
    const on = await scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'Replace', path: 'active', value: 'True' })
    )
    expect(on.body.active).toBe(true)
    expect((await scim('GET', `/Users/${id}`)).body.active).toBe(true)
  })

  test('204 deleted, and then there is none', async () => {
    const id = await world.user(entraUser('gone'))
    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(204)
    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(404)
    expect((await find('userName eq "gone@acme.test"')).body.totalResults).toBe(0)
  })
})

describe('SCIM users as Okta writes them', () => {
  test('201 created, without the password; 200 replaced; 200 deactivated without a path', async () => {
    const made = await scim('POST', '/Users', oktaUser('okta'))
    expect(made.status).toBe(201)
    expect(JSON.stringify(await world.people.sql('SELECT * FROM scim_users'))).not.toContain('1mz0')
    const { id } = made.body
    const replaced = await scim('PUT', `/Users/${id}`, {
      schemas: [userSchema],
      id,
      userName: 'okta@acme.test',
      name: { givenName: 'Another', middleName: 'Excited', familyName: 'User' },
      emails: [{ primary: true, value: 'okta@acme.test', type: 'work', display: 'okta@acme.test' }],
      active: true,
      groups: [],
      meta: { resourceType: 'User' }
    })
    expect([replaced.status, replaced.body]).toMatchObject([
      200,
      { name: { givenName: 'Another', middleName: 'Excited' }, active: true }
    ])
    expect(replaced.body).not.toHaveProperty('externalId')
    const off = await scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'replace', value: { active: false } })
    )
    expect([off.status, off.body.active]).toEqual([200, false])
    const kept = await scim('PUT', `/Users/${id}`, {
      schemas: [userSchema],
      userName: 'okta@acme.test'
    })
    expect(kept.body.active).toBe(false)
  })

  test('200 page by page, in one order', async () => {
    const whole = (await scim('GET', '/Users?startIndex=1&count=100')).body
    expect(whole.itemsPerPage).toBe(whole.totalResults)
    const ids = whole.Resources.map(({ id }: { id: string }) => id)
    const pages = await Promise.all(
      ids.map((_: string, at: number) => scim('GET', `/Users?startIndex=${at + 1}&count=1`))
    )
    expect(pages.map(({ body }) => body.Resources[0].id)).toEqual(ids)
    expect((await scim('GET', '/Users?count=0')).body).toMatchObject({
      totalResults: ids.length,
      Resources: []
    })
    expect((await scim('GET', '/Users?startIndex=-3&count=9999')).body.startIndex).toBe(1)
    expect((await scim('GET', `/Users?startIndex=${ids.length + 1}`)).body.Resources).toEqual([])
  })
})
