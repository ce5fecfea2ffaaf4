import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId, type FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricPatch, FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { refusedAddress, unheard } from './testing.ts'
import { as, blue, createWorld, faultOf, green, principal, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const servicePrincipal = {
  clientId: principal.clientId,
  clientSecret: new Secret(principal.clientSecret)
}
const create = (more: Partial<NewFabric> = {}, scope: (typeof as)[keyof typeof as] = as.lead) =>
  world.fabrics.create(scope, world.newFabric(more))
const update = (
  { id, version }: FabricView,
  patch: Omit<FabricPatch, 'version'>,
  scope = as.lead
) => world.fabrics.update(scope, id, { version, ...patch })
const _testAs = (id: FabricId, scope = as.lead) =>
  world.fabrics.testConnection(
    scope,
    id,
    'service_principal',
    unheard,
    new AbortController().signal
  )
const address = (workspaceUrl: string) => ({ workspaceUrl, compute: undefined })
const warehouse = '/sql/1.0/warehouses/abcdef0123456789'

describe('the address of the workspace', () => {
  const host = 'https://adb-1234567890123456.7.azuredatabricks.net'
  test.each([
    [host, host],
    [`${host}/`, host],
    [`  ${host}/?o=1234567890123456#setting/x `, host],
    ['ADB-1234567890123456.7.azuredatabricks.net', host],
    [`${host}:443/sql/warehouses`, host],
    [
      'https://dbc-a1b2345c-d6e7.cloud.databricks.com/browse?o=7',
      'https://dbc-a1b2345c-d6e7.cloud.databricks.com'
    ]
  ])('F29 %s is taken as %s', async (given, origin) => {
    expect(await create(address(given))).toMatchObject({ workspaceUrl: origin, slug: 'sales' })
  })

  test.each([
    `jdbc:databricks://adb-1234567890123456.7.azuredatabricks.net:443/default;transportMode=http;ssl=1;AuthMech=3;httpPath=${warehouse};UID=token;PWD=canary-dapi`,
    `jdbc:spark://adb-1234567890123456.7.azuredatabricks.net:443;httpPath=${warehouse};Auth_AccessToken=canary-dapi`
  ])('%s gives host and path, its credentials are dropped', async (jdbcUrl) => {
    const made = await create({ workspaceUrl: undefined, jdbcUrl, compute: undefined })
    expect(made).toMatchObject({ workspaceUrl: host, compute: { httpPath: warehouse } })
    expect(inspect(made, { depth: 9 }) + (await world.dump())).not.toContain('canary')
  })

  test('B1 hosts that are no workspace’s are refused, and not one packet leaves', async () => {
    let connections = 0
    const listener = createServer((socket) => {
      connections += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const bound = listener.address()
    const port = typeof bound === 'object' ? bound?.port : 0
    const standing = await create({ servicePrincipal })
    for (const host of [
      `http://127.0.0.1:${port}`,
      `https://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      `https://localhost:${port}`,
      `http://[::1]:${port}`,
      `http://2130706433:${port}`,
      'https://evil.example',
      'https://cloud.databricks.com.evil.example',
      'https://x.databricksapps.com',
      'https://accounts.cloud.databricks.com',
      'http://dbc-a1b2345c-d6e7.cloud.databricks.com',
      'https://user:pass@dbc-a1b2345c-d6e7.cloud.databricks.com',
      'ftp://dbc-a1b2345c-d6e7.cloud.databricks.com',
      '',
      'javascript:alert(1)'
    ]) {
      const input = world.newFabric({ ...address(host), name: 'Evil', servicePrincipal })
      const test = () =>
        world.fabrics.testUnsaved(as.lead, input, 'service_principal', unheard, AbortSignal.abort())
      expect(refusedAddress(await test()), host).toMatch(/^(host_not_allowed|invalid_request)$/)
      for (const work of [
        () => world.fabrics.create(as.lead, input),
        () => update(standing, { workspaceUrl: host })
      ]) {
        expect((await faultOf(work())).code, host).toMatch(/^(host_not_allowed|invalid_request)$/)
      }
    }
    expect(connections).toBe(0)
    expect(await world.fabrics.get(as.lead, standing.id)).toEqual(standing)
    await new Promise((resolve) => listener.close(resolve))
  })
})

describe('what else is refused', () => {
  test.each<[string, Partial<NewFabric>, string]>([
    [
      'C10 a mask for a secret',
      { servicePrincipal: { clientId: 'x', clientSecret: new Secret('••••') } },
      '/servicePrincipal/clientSecret'
    ],
    ['neither address', { workspaceUrl: undefined }, '/workspaceUrl'],
    ['both addresses', { jdbcUrl: 'jdbc:databricks://x.cloud.databricks.com' }, '/workspaceUrl'],
    [
      'an app connection for personal access tokens',
      { authMethod: 'pat', appConnectionId: asId('appConnection', 'apc_1') },
      '/appConnectionId'
    ],
    [
      'a path that names no compute',
      { compute: { httpPath: '/api/2.0/secrets' } },
      '/compute/httpPath'
    ],
    [
      'a warehouse id with a slash',
      { compute: { warehouseId: '../../2.0/secrets' } },
      '/compute/warehouseId'
    ],
    [
      'a cluster id with a query',
      { kind: 'spark', compute: { clusterId: 'a?b=c' } },
      '/compute/clusterId'
    ],
    ['T5 an endpoint of dots', { endpointAllowList: ['ok', '..'] }, '/endpointAllowList/1']
  ])('%s', async (_, more, pointer) => {
    const fault = await faultOf(create(more))
    expect(fault).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] })
    expect(await world.sql('SELECT FROM fabrics')).toEqual([])
  })

  test('B4 D3 another tenant’s, another team’s and nobody’s ids read the same', async () => {
    const { id } = await world.connect()
    const theirs = asId('appConnection', id)
    const nobodys = asId('appConnection', 'apc_nowhere')
    const faults = [
      await faultOf(
        world.fabrics.create(
          as.stranger,
          world.newFabric({ teamId: green, appConnectionId: theirs })
        )
      ),
      await faultOf(
        world.fabrics.create(
          as.stranger,
          world.newFabric({ teamId: green, appConnectionId: nobodys })
        )
      )
    ]
    expect({ ...faults[0] }).toEqual({ ...faults[1] })
    const teams = [green, blue, asId('team', 'team_nowhere')]
    const told = await Promise.all(
      teams.map(async (teamId) => ({ ...(await faultOf(create({ teamId }))) }))
    )
    expect(told[0]).toMatchObject({ code: 'not_found' })
    expect(told).toEqual([told[0], told[0], told[0]])
  })
})

describe('names', () => {
  test('are unique in a tenant; slugs are made unique; neither tells of another tenant', async () => {
    expect((await create()).slug).toBe('sales')
    expect((await create({ name: 'sales' })).slug).toBe('sales-2')
    expect((await create({ name: 'Sales!' })).slug).toBe('sales-3')
    expect(await faultOf(create())).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/name' }]
    })
    const theirs = await world.fabrics.create(as.stranger, world.newFabric({ teamId: green }))
    expect(theirs.slug).toBe('sales')
  })

  test.each([
    ['Ünï çødé', 'uni-c-de'],
    ['数据', 'fabric'],
    ['---', 'fabric'],
    ['9 lives', 'lives'],
    ['x'.repeat(80), 'x'.repeat(40)]
  ])('%s makes the slug %s', async (name, slug) => {
    expect((await create({ name })).slug).toBe(slug)
  })

  test('a change to a name that is taken changes nothing', async () => {
    await create()
    const other = await create({ name: 'Other' })
    expect((await faultOf(update(other, { name: 'Sales' }))).code).toBe('invalid_request')
    expect(await world.fabrics.get(as.lead, other.id)).toEqual(other)
  })
})
