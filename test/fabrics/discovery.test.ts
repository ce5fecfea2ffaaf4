import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import type { DiscoveryQuery, FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { signIn } from './signing-in.ts'
import { as, createWorld, faultOf, narrow, principal, type World } from './world.ts'

let world: World
let fabric: FabricView
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  await world.connect()
  fabric = await world.fabrics.create(as.lead, world.newFabric())
})

const everything: DiscoveryQuery = {
  kind: 'warehouse',
  as: null,
  text: null,
  limit: 50,
  cursor: null
}
const look = (more: Partial<DiscoveryQuery> = {}, scope = as.member, id = fabric.id) =>
  world.fabrics.discover(scope, id, { ...everything, ...more })
const names = async (more: Partial<DiscoveryQuery>, scope = as.member, id = fabric.id) =>
  (await look(more, scope, id)).items.map(({ name }) => name)
const asked = async (path: string) =>
  (await world.log()).filter((item) => item.path.startsWith(path)).length
const withPrincipal = (who: typeof principal, more: Partial<NewFabric> = {}) =>
  world.fabrics.create(
    as.lead,
    world.newFabric({
      name: 'Attended by nobody',
      servicePrincipal: { ...who, clientSecret: new Secret(who.clientSecret) },
      ...more
    })
  )

describe('what a workspace has', () => {
  test('is shown by name, of a fabric that is still a draft, with state and permission', async () => {
    await signIn(world, as.member, fabric.id)
    expect(fabric.status).toBe('draft')
    expect(await look()).toEqual({
      items: [
        {
          id: world.workspace.compute.stoppedWarehouseId,
          name: 'Nightly Warehouse',
          state: 'STOPPED',
          isUsable: true,
          permission: null,
          type: 'SERVERLESS',
          size: '2X-Small',
          creator: 'admin@acme.test'
        },
        expect.objectContaining({ name: 'Starter Warehouse', state: 'RUNNING', isUsable: true })
      ],
      nextCursor: null,
      identity: 'user',
      isCut: false
    })
    expect((await look({ kind: 'cluster' })).items).toMatchObject([
      { name: 'Idle Cluster', state: 'TERMINATED', isUsable: false, size: '2' },
      { name: 'Shared Cluster', state: 'RUNNING', isUsable: true, type: 'USER_ISOLATION' }
    ])
    const { items } = await look({ kind: 'serving_endpoint' })
    const permissions = Object.fromEntries(items.map((one) => [one.name, one.permission]))
    expect(permissions).toMatchObject({
      'databricks-llama': 'can_query',
      'forbidden-model': 'can_view'
    })
    expect(items.find(({ name }) => name === 'databricks-llama')).toMatchObject({
      state: 'READY',
      type: 'llm/v1/chat'
    })
  })

  test('takes a sign-in, and says where', async () => {
    expect(await faultOf(look())).toMatchObject({
      code: 'sign_in_needed',
      actionUrl: `/sign-in/${fabric.id}`
    })
  })

  test('D5 is looked up as the service principal where that is asked for, by whom may use it', async () => {
    expect((await faultOf(look({ as: 'service_principal' }, as.lead))).code).toBe(
      'service_principal_missing'
    )
    const { id } = await withPrincipal(principal)
    const page = await look({ as: 'service_principal' }, as.lead, id)
    expect([page.identity, page.items.length]).toEqual(['service_principal', 2])
    expect((await faultOf(look({ as: 'service_principal' }, as.member, id))).code).toBe('forbidden')
    const seen = (await world.log()).filter(({ path }) => path.startsWith('/api/2.0/sql'))
    expect(new Set(seen.map(({ principal }) => principal))).toContain(principal.clientId)
  })

  test('D1 is nothing of another team’s or tenant’s fabric', async () => {
    for (const scope of [as.outsider, as.stranger]) {
      expect((await faultOf(look({}, scope))).code).toBe('not_found')
    }
  })

  test('D6 of one identity is never shown to another one', async () => {
    await signIn(world, as.member, fabric.id)
    await look()
    expect((await faultOf(look({}, as.lead))).code).toBe('sign_in_needed')
    const before = await asked('/api/2.0/sql/warehouses')
    await signIn(world, as.lead, fabric.id)
    await look({}, as.lead)
    expect((await asked('/api/2.0/sql/warehouses')) - before).toBe(1)
  })

  test('leaves a record of as whom, once for what is remembered', async () => {
    await signIn(world, as.member, fabric.id)
    await look()
    await look({ text: 'night' })
    expect(await world.audit('endpoint.discover')).toMatchObject([
      { actor_id: 'usr_member', outcome: 'succeeded', details: { as: 'user', kind: 'warehouse' } }
    ])
  })
})

describe('searching and turning pages', () => {
  test.each([
    ['warehouse', '/api/2.0/sql/warehouses', 230 + 2, 3],
    ['cluster', '/api/2.1/clusters/list', 230 + 2, 3],
    ['serving_endpoint', '/api/2.0/serving-endpoints', 230 + 8, 1]
  ] as const)('finds every %s once, the workspace asked once', async (kind, path, count, pages) => {
    await signIn(world, as.member, fabric.id)
    await world.faults({ moreResources: 230 })
    const isList = (text: string) => text === path || text.startsWith(`${path}?`)
    const lists = async () => (await world.log()).filter((one) => isList(one.path)).length
    const before = await lists()
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = await look({ kind, limit: 100, cursor })
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect([found.length, new Set(found).size]).toEqual([count, count])
    expect((await lists()) - before).toBe(pages)
  })

  test('looks in names and ids, whatever the case, and turns pages of what it finds', async () => {
    await signIn(world, as.member, fabric.id)
    await world.faults({ moreResources: 30 })
    expect(await names({ text: 'NIGHT' })).toEqual(['Nightly Warehouse'])
    const { stoppedWarehouseId } = world.workspace.compute
    expect(await names({ text: stoppedWarehouseId.slice(2, 12).toUpperCase() })).toEqual([
      'Nightly Warehouse'
    ])
    const first = await look({ text: 'warehouse 2', limit: 6 })
    const { cursor } = { cursor: first.nextCursor }
    const second = await look({ text: 'warehouse 2', limit: 6, cursor })
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(
      ['2', ...Array.from({ length: 10 }, (_, at) => `2${at}`)].map((end) => `Warehouse ${end}`)
    )
    expect(second.nextCursor).toBeNull()
  })

  test('sees what has changed after a few seconds', async () => {
    await signIn(world, as.member, fabric.id)
    expect(await names({})).toHaveLength(2)
    await world.faults({ moreResources: 1 })
    world.clock.advance(5_001)
    expect(await names({})).toHaveLength(3)
  })

  test.each(['x', 'bnVsbA', 'WzEsMl0', 'WyJhIiwiYiIsImMiXQ'])(
    'the cursor %s is none of it',
    async (cursor) => {
      await signIn(world, as.member, fabric.id)
      expect(await faultOf(look({ cursor }))).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: '/query/cursor' }]
      })
    }
  )

  test('a listing without an end is cut, and that is told', async () => {
    await signIn(world, as.member, fabric.id)
    const body = JSON.stringify({ clusters: [{ cluster_id: 'c' }], next_page_token: 'again' })
    await world.faults({ apiBodyBase64: Buffer.from(body).toString('base64') })
    const before = await asked('/api/2.1/clusters/list')
    expect(await look({ kind: 'cluster' })).toMatchObject({
      items: [{ id: 'c', name: 'c', state: null, isUsable: false }],
      isCut: true
    })
    expect((await asked('/api/2.1/clusters/list')) - before).toBe(50)
  })
})

describe('a list of endpoints', () => {
  test('leaves of endpoints what stands on it, and no compute but for the fabric’s admins', async () => {
    const endpointAllowList = ['databricks-llama', 'not-there']
    const { id } = await world.fabrics.create(
      as.lead,
      world.newFabric({ name: 'Narrow', endpointAllowList })
    )
    await signIn(world, as.member, id)
    await signIn(world, as.lead, id)
    expect(await names({ kind: 'serving_endpoint' }, as.member, id)).toEqual(['databricks-llama'])
    for (const kind of ['warehouse', 'cluster'] as const) {
      expect((await faultOf(look({ kind }, as.member, id))).code).toBe('endpoint_not_allowed')
      expect(await names({ kind }, as.lead, id)).toHaveLength(2)
    }
  })
})

describe('what the workspace answers instead', () => {
  const page = Buffer.from('<!doctype html><h1>Sign in</h1>').toString('base64')
  test.each([
    ['F22 it throttles', { apiStatus: 429 }, 'upstream_unavailable'],
    ['it is down', { apiStatus: 503 }, 'upstream_unavailable'],
    ['it cuts the line', { dropApiAnswer: true }, 'upstream_unavailable'],
    ['it took too long', { apiStatus: 504 }, 'upstream_timeout'],
    ['an IP access list', { ipBlocked: true }, 'ip_not_allowed'],
    ['a page', { apiBodyBase64: page, apiContentType: 'text/html' }, 'workspace_unreachable'],
    ['half of a list', { apiBodyBase64: 'eyJ3YXJlaG91c2VzIjpb' }, 'workspace_unreachable'],
    ['a list that is none', { apiBodyBase64: 'eyJ3YXJlaG91c2VzIjo3fQ' }, 'workspace_unreachable']
  ])('%s: told as such, and not remembered', async (_, faults, code) => {
    await signIn(world, as.member, fabric.id)
    await world.faults(faults)
    const fault = await faultOf(look())
    expect(fault.code).toBe(code)
    expect(fault.detail ?? '').not.toMatch(/</)
    await world.faults(null)
    expect(await names({})).toHaveLength(2)
  })

  test('when it may be tried again, as the workspace asks', async () => {
    await signIn(world, as.member, fabric.id)
    await world.faults({ apiStatus: 429, apiRetryAfterSeconds: 17 })
    const { retryAt } = await faultOf(look())
    const waitMs = (retryAt?.getTime() ?? 0) - world.clock.now().getTime()
    expect(Math.abs(waitMs - 17_000)).toBeLessThan(5_000)
  })

  test('a scope that the service principal lacks', async () => {
    const { id } = await withPrincipal(narrow)
    const query = { as: 'service_principal', kind: 'cluster' } as const
    expect((await faultOf(look(query, as.lead, id))).code).toBe('scope_missing')
  })

  test('F15 a dead token is renewed once, and what stays dead takes a sign-in', async () => {
    await signIn(world, as.member, fabric.id)
    await world.faults({ invalidateAccessTokens: true })
    await world.faults({ invalidateAccessTokens: false })
    expect(await names({})).toHaveLength(2)
    await world.faults({ invalidateAccessTokens: true, apiStatus: 401 })
    world.clock.advance(60_000)
    const fault = await look({ kind: 'cluster' }).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(AppError)
    expect(fault).toMatchObject({ code: 'sign_in_needed', actionUrl: `/sign-in/${fabric.id}` })
  })

  test('the permission of an endpoint stays untold where it cannot be asked for', async () => {
    await signIn(world, as.member, fabric.id)
    await world.faults({ apiStatus: 500, apiFaultPath: '/api/2.0/serving-endpoints/' })
    const { items } = await look({ kind: 'serving_endpoint' })
    expect(new Set(items.map(({ permission }) => permission))).toEqual(new Set([null]))
  })
})
