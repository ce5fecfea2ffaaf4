import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricPatch, FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { unheard } from './testing.ts'
import { as, createWorld, faultOf, principal, red, type World } from './world.ts'

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
    unheard,
    new AbortController().signal
  )
const _address = (workspaceUrl: string) => ({ workspaceUrl, compute: undefined })
const _warehouse = '/sql/1.0/warehouses/abcdef0123456789'

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

  test('has Weft’s own deadlines but for those that it sets; null removes one, and all', async () => {
    const made = await create({ deadlines: { firstByteMs: 900_000, idleMs: 60_000 } })
    expect(made.deadlines).toEqual({ firstByteMs: 900_000, idleMs: 60_000 })
    const next = await update(made, { deadlines: { idleMs: null, totalMs: 7_200_000 } })
    expect(next.deadlines).toEqual({ firstByteMs: 900_000, totalMs: 7_200_000 })
    const same = await update(next, { description: 'new' })
    expect(same.deadlines).toEqual(next.deadlines)
    expect((await update(same, { deadlines: null })).deadlines).toEqual({})
    expect((await create({ name: 'Another' })).deadlines).toEqual({})
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
