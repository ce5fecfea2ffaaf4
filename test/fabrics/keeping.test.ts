import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId, type FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricPatch, FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { as, blue, createWorld, faultOf, green, principal, red, type World } from './world.ts'

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
const testAs = (id: FabricId, scope = as.lead) =>
  world.fabrics.testConnection(
    scope,
    id,
    'service_principal',
    () => undefined,
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
        world.fabrics.testUnsaved(
          as.lead,
          input,
          'service_principal',
          () => undefined,
          AbortSignal.abort()
        )
      for (const work of [
        () => world.fabrics.create(as.lead, input),
        test,
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
    ['a personal access token', { authMethod: 'pat' }, '/authMethod'],
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
    ['a cluster id with a query', { compute: { clusterId: 'a?b=c' } }, '/compute/clusterId'],
    ['T5 an endpoint of dots', { endpointAllowList: ['ok', '..'] }, '/endpointAllowList/1']
  ])('%s', async (_, more, pointer) => {
    const fault = await faultOf(create(more))
    expect(fault).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] })
    expect(await world.sql('SELECT FROM fabrics')).toEqual([])
  })

  test('D3 another tenant’s, another team’s and nobody’s ids read the same', async () => {
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

describe('a fabric as it stands', () => {
  test('warns of what is missing, and of nothing once it is there', async () => {
    const draft = await create()
    const codes = (view: FabricView) => view.warnings.map(({ code, owner }) => `${code} ${owner}`)
    expect(codes(draft)).toEqual([
      'service_principal_missing team_admin',
      'app_connection_missing tenant_admin'
    ])
    await world.connect()
    const better = await update(draft, { servicePrincipal })
    expect(codes(better)).toEqual([])
    expect(better.health).toEqual({ state: 'unknown', since: null })
    await testAs(better.id)
    expect((await world.fabrics.get(as.lead, better.id)).health.state).toBe('active')
  })

  test('is a draft until it is completed, which happens once', async () => {
    const draft = await create()
    expect(draft.status).toBe('draft')
    expect((await world.fabrics.complete(as.lead, draft.id)).status).toBe('complete')
    await world.fabrics.complete(as.lead, draft.id)
    expect(await world.audit('fabric.complete')).toHaveLength(1)
  })

  test('C9 gives no secret away: not in an answer, an error, the trail or a row', async () => {
    const made = await create({ servicePrincipal })
    const clash = await faultOf(create({ servicePrincipal }))
    const stale = await faultOf(
      world.fabrics.update(as.lead, made.id, { version: 9, servicePrincipal })
    )
    const result = await testAs(made.id)
    const all = [made, clash, stale, result].map((one) => inspect(one, { depth: 20 })).join()
    expect(`${all}${await world.dump()}`).not.toMatch(/canary/)
    expect(made.servicePrincipal).toMatchObject({
      clientSecret: { isSet: true, hint: '…77aa', lastUsedAt: null }
    })
  })

  test('a stale version changes nothing', async () => {
    const made = await create()
    const next = await update(made, { description: 'new' })
    expect((await faultOf(update(made, { description: 'old', servicePrincipal }))).code).toBe(
      'version_conflict'
    )
    expect(await world.fabrics.get(as.lead, made.id)).toEqual(next)
  })

  test('null removes and absent keeps, inside compute too', async () => {
    const made = await create({
      compute: { warehouseId: 'abc', catalog: 'main', schema: 's' },
      endpointAllowList: ['a']
    })
    const next = await update(made, { compute: { schema: null }, endpointAllowList: [] })
    expect(next).toMatchObject({
      compute: { warehouseId: 'abc', catalog: 'main' },
      endpointAllowList: []
    })
    expect(next.compute).not.toHaveProperty('schema')
    const last = await update(next, { compute: null, endpointAllowList: null })
    expect([last.compute, last.endpointAllowList]).toEqual([{}, null])
  })
})

describe('C10 what a move does', () => {
  const held = async () => ({
    principals: (await world.sql('SELECT FROM service_principals')).length,
    grants: (await world.sql('SELECT FROM grants')).length
  })

  test('another workspace drops the service principal and its grant', async () => {
    const made = await create({ servicePrincipal })
    expect((await testAs(made.id)).ok).toBe(true)
    expect(await held()).toEqual({ principals: 1, grants: 1 })
    const moved = await update(made, { workspaceUrl: world.elsewhere.url })
    expect(moved).toMatchObject({ workspaceUrl: world.elsewhere.url, servicePrincipal: null })
    expect(await held()).toEqual({ principals: 0, grants: 0 })
  })

  test('another workspace with the secret given anew keeps it and drops the grant', async () => {
    const made = await create({ servicePrincipal })
    await testAs(made.id)
    const moved = await update(made, { workspaceUrl: world.elsewhere.url, servicePrincipal })
    expect(moved.servicePrincipal?.clientId).toBe(principal.clientId)
    expect(await held()).toEqual({ principals: 1, grants: 0 })
  })

  test('the same workspace in another spelling drops nothing; taking the principal away drops both', async () => {
    const made = await create({ servicePrincipal })
    await testAs(made.id)
    const same = await update(made, { workspaceUrl: `${world.workspace.url}/?o=1` })
    expect(await held()).toEqual({ principals: 1, grants: 1 })
    await update(same, { servicePrincipal: null })
    expect(await held()).toEqual({ principals: 0, grants: 0 })
  })
})

describe('I4 the trail', () => {
  afterEach(() => world.sql(`GRANT INSERT ON audit_events TO ${world.appRole}`))

  test('without the record there is no change, of any kind', async () => {
    const made = await create({ servicePrincipal })
    const before = await world.dump()
    await world.sql(`REVOKE INSERT ON audit_events FROM ${world.appRole}`)
    for (const work of [
      () => create({ name: 'Other', servicePrincipal }),
      () => update(made, { name: 'Other', servicePrincipal }),
      () => update(made, { workspaceUrl: world.elsewhere.url }),
      () => world.fabrics.complete(as.lead, made.id),
      () => world.fabrics.remove(as.lead, made.id)
    ]) {
      expect((await faultOf(work())).code).toBe('internal')
      expect(await world.dump()).toBe(before)
    }
  })

  test('each change is one record of the fabric', async () => {
    const made = await create()
    await update(made, { name: 'Other' })
    await world.fabrics.complete(as.lead, made.id)
    await world.fabrics.remove(as.lead, made.id)
    const rows = await world.sql(
      'SELECT action, actor_id, fabric_id FROM audit_events ORDER BY seq'
    )
    expect(rows).toEqual(
      ['create', 'update', 'complete', 'delete'].map((verb) => ({
        action: `fabric.${verb}`,
        actor_id: 'usr_lead',
        fabric_id: made.id
      }))
    )
    expect(red).toBe(made.teamId)
  })
})
