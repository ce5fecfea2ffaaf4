import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId, type FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { unheard } from './testing.ts'
import { as, blue, createWorld, faultOf, principal, red, type World } from './world.ts'

let world: World
let fabric: FabricView
const nowhere = asId('fabric', 'fab_nowhere')
const idle = () => new AbortController().signal

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  await world.connect()
  const servicePrincipal = {
    clientId: principal.clientId,
    clientSecret: new Secret(principal.clientSecret)
  }
  fabric = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
})

const range = { from: undefined, to: undefined }

/** Everything that can be asked of one fabric. */
const asks: Readonly<Record<string, (scope: TenantScope, id: FabricId) => Promise<unknown>>> = {
  get: (scope, id) => world.fabrics.get(scope, id),
  update: (scope, id) => world.fabrics.update(scope, id, { version: fabric.version, name: 'New' }),
  remove: (scope, id) => world.fabrics.remove(scope, id),
  complete: (scope, id) => world.fabrics.complete(scope, id),
  'test as oneself': (scope, id) =>
    world.fabrics.testConnection(scope, id, 'user', unheard, idle()),
  'test as the principal': (scope, id) =>
    world.fabrics.testConnection(scope, id, 'service_principal', unheard, idle()),
  'sign in': (scope, id) =>
    world.fabrics.startSignIn(scope, id, { sessionId: 'ses_1', returnTo: null }),
  'see the usage': (scope, id) =>
    world.fabrics.usage(scope, id, { ...range, groupBy: ['day'], limit: 1, cursor: null }),
  'see the connection': (scope, id) => world.fabrics.connection(scope, id),
  'sign out': (scope, id) => world.fabrics.signOut(scope, id)
}
const everything = Object.keys(asks)
const teamAdmins = ['update', 'remove', 'complete', 'test as the principal']

describe.each(everything)('D1 %s', (name) => {
  const ask = asks[name] ?? asks.get
  const end = async (scope: TenantScope, id: FabricId = fabric.id) =>
    await ask?.(scope, id).then(
      () => 'done',
      (error: { code?: string }) => error.code
    )

  test.each(['outsider', 'stranger'] as const)(
    'an %s gets the same as for no such fabric, and nothing happens',
    async (who) => {
      const before = await world.dump()
      const told = [fabric.id, nowhere].map(async (id) => ({
        ...(await faultOf(ask?.(as[who], id) ?? Promise.resolve()))
      }))
      const [theirs, nobodys] = await Promise.all(told)
      expect(theirs).toMatchObject({ code: 'not_found' })
      expect(theirs).toEqual(nobodys)
      expect(await world.dump()).toBe(before)
    }
  )

  test('a member may what members may', async () => {
    expect(await end(as.member)).toBe(teamAdmins.includes(name) ? 'forbidden' : 'done')
  })

  test('an admin of the team may', async () => {
    expect(await end(as.lead)).toBe('done')
  })

  test('an admin of the tenant may', async () => {
    expect(await end(as.admin)).toBe('done')
  })
})

describe('who sees and makes fabrics', () => {
  test('a list holds the fabrics of one’s teams, page by page, and no others', async () => {
    for (const name of ['B', 'C', 'D'])
      await world.fabrics.create(as.lead, world.newFabric({ name }))
    await world.fabrics.create(as.outsider, world.newFabric({ name: 'Blue', teamId: blue }))
    const namesOf = async (scope: TenantScope) => {
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<World['fabrics']['list']>> = await world.fabrics.list(
          scope,
          { limit: 2, cursor }
        )
        seen.push(...page.items.map(({ name }) => name))
        cursor = page.nextCursor
      } while (cursor !== null)
      return seen
    }
    expect(await namesOf(as.member)).toEqual(['D', 'C', 'B', 'Sales'])
    expect(await namesOf(as.outsider)).toEqual(['Blue'])
    expect(await namesOf(as.admin)).toEqual(['Blue', 'D', 'C', 'B', 'Sales'])
    expect(await namesOf(as.stranger)).toEqual([])
  })

  test.each([
    ['a member in their team', as.member, red, 'forbidden'],
    ['an admin of another team', as.outsider, red, 'not_found'],
    ['an admin of another tenant', as.stranger, red, 'not_found'],
    ['the admin of the tenant in any team', as.admin, blue, 'done']
  ] as const)('%s makes one: %s', async (_, scope, teamId, expected) => {
    const work = world.fabrics.create(scope, world.newFabric({ name: 'More', teamId }))
    expect(
      await work.then(
        () => 'done',
        (error) => error.code
      )
    ).toBe(expected)
  })

  test('a service principal that the team may use can be tested by its members', async () => {
    await world.fabrics.update(as.lead, fabric.id, {
      version: fabric.version,
      servicePrincipalUse: 'team'
    })
    const result = await world.fabrics.testConnection(
      as.member,
      fabric.id,
      'service_principal',
      unheard,
      idle()
    )
    expect(result.ok).toBe(true)
  })

  test('one person’s sign-in is nobody else’s, and a stranger’s attempt is not theirs to see', async () => {
    const { attemptId } = await world.fabrics.startSignIn(as.member, fabric.id, {
      sessionId: 's',
      returnTo: null
    })
    expect((await world.fabrics.signInAttempt(as.member, attemptId)).status).toBe('pending')
    for (const scope of [as.lead, as.admin, as.stranger]) {
      expect((await faultOf(world.fabrics.signInAttempt(scope, attemptId))).code).toBe('not_found')
    }
  })
})
