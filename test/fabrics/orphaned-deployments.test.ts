import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId, type ServiceAccountId } from '../../src/base/ids.ts'
import { makeTenantScope } from '../../src/base/tenant-scope.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { authorityOf } from '../../src/identity/roles.ts'
import { deployable, jobCalls, nightly, settings, workspaceOf } from './deploying.ts'
import { principalOf } from './testing.ts'
import {
  accountAdmin,
  as,
  blue,
  createWorld,
  faultOf,
  principal,
  red,
  type World
} from './world.ts'

let world: World
let fabric: FabricView
const put = (name = 'nightly', more: object = {}, scope = as.lead) =>
  world.deployments.put(scope, fabric.id, name, { settings, ...more })
const get = (scope = as.lead) => world.deployments.get(scope, fabric.id, 'nightly')
const newRun = { parameters: {}, idempotencyKey: null }
const run = (scope = as.lead) => world.deployments.startRun(scope, fabric.id, 'nightly', newRun)
const warningsOf = async (scope = as.lead) => (await world.fabrics.get(scope, fabric.id)).warnings
const change = async (patch: object) => {
  const { version } = await world.fabrics.get(as.lead, fabric.id)
  fabric = await world.fabrics.update(as.lead, fabric.id, { version, ...patch })
}
/** Admin of red and of blue. */
const both = makeTenantScope(
  asId('tenant', 'ten_acme'),
  { kind: 'user', id: asId('user', 'usr_lead') },
  authorityOf({
    kind: 'user',
    role: 'member',
    teams: [red, blue].map((id) => ({ id, role: 'admin' as const }))
  })
)

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  await world.sql('DELETE FROM service_accounts')
  fabric = await deployable(world)
  await world.connect()
})

describe('C10 a fabric that no longer is what a deployment was made with', () => {
  const servicePrincipal = principalOf(principal)
  test.each([
    ['another workspace', () => change({ workspaceUrl: world.elsewhere.url, servicePrincipal })],
    ['another service principal', () => change({ servicePrincipal: principalOf(accountAdmin) })]
  ])('%s: told as orphaned, not asked and not run, until it is deployed anew', async (_, move) => {
    const before = await put('nightly', { schedule: nightly })
    await move()
    const since = new Date()
    expect(await get()).toMatchObject({ state: 'orphaned', job: null })
    expect(await faultOf(run())).toMatchObject({ code: 'conflict' })
    const removal = world.deployments.remove(as.lead, fabric.id, 'nightly', { isForgotten: false })
    expect((await faultOf(removal)).detail).toContain('forget=true')
    expect(await jobCalls(world, since)).toEqual([])
    expect(await warningsOf()).toMatchObject([
      { code: 'deployment_orphaned', message: expect.stringContaining('nightly') }
    ])
    const anew = await put()
    expect(anew).toMatchObject({ state: 'deployed', leftBehind: [before.jobUrl] })
    expect(anew.jobUrl).not.toBe(before.jobUrl)
    expect(await warningsOf()).toEqual([])
    const origin = fabric.workspaceUrl
    const who = fabric.servicePrincipal?.clientId === principal.clientId ? principal : accountAdmin
    const jobs = await workspaceOf(world, origin, who).jobs()
    expect(jobs.map(({ job_id }) => String(job_id))).toContain(anew.jobId)
    expect((await run()).runAs).toBe(who.clientId)
  })

  test('another team with the same service principal: the same job, and only once deployed anew', async () => {
    const before = await put()
    await world.fabrics.transfer(both, fabric.id, { teamId: blue, version: fabric.version })
    expect(await get(both)).toMatchObject({ state: 'orphaned' })
    expect(await faultOf(run(both))).toMatchObject({ code: 'service_principal_missing' })
    const { version } = await world.fabrics.get(both, fabric.id)
    await world.fabrics.update(both, fabric.id, { version, servicePrincipal })
    expect(await get(both)).toMatchObject({
      state: 'orphaned',
      detail: expect.stringContaining('another team')
    })
    expect(await faultOf(run(both))).toMatchObject({ code: 'conflict' })
    const anew = await put('nightly', {}, both)
    expect(anew).toMatchObject({ state: 'deployed', jobId: before.jobId, leftBehind: [] })
  })

  test('a new secret of the same service principal changes nothing', async () => {
    await put()
    await change({ servicePrincipal })
    expect(await get()).toMatchObject({ state: 'deployed', job: { status: 'unchanged' } })
  })

  test('a fabric that is deleted takes its deployments along, not their jobs', async () => {
    await put()
    await world.fabrics.remove(as.lead, fabric.id)
    expect(await world.sql('SELECT FROM deployments')).toEqual([])
    expect((await workspaceOf(world).jobs()).length).toBeGreaterThan(0)
  })
})

describe('the warning service_principal_missing', () => {
  const allow = async (name: string) => {
    const id: ServiceAccountId = asId('serviceAccount', `sva_${name}`)
    await world.sql(
      `INSERT INTO service_accounts (id, tenant_id, name, created_at) VALUES ($1, 'ten_acme', $2, now())`,
      [id, name]
    )
    await world.sql(
      `INSERT INTO service_account_fabrics VALUES ('ten_acme', $1, $2, false, '{}')`,
      [id, fabric.id]
    )
  }
  const message = async (scope = as.lead) => (await warningsOf(scope))[0]?.message

  test('names exactly what does not run', async () => {
    await put('nightly', { schedule: nightly })
    await put('weekly')
    await allow('report')
    expect(await warningsOf()).toEqual([])
    await change({ servicePrincipal: null })
    expect(await message()).toBe(
      'The fabric has no service principal, so these do not run: the deployments nightly, weekly; the schedule of nightly; the service account report'
    )
    const { items } = await world.fabrics.list(as.lead, { limit: 50, cursor: null })
    expect(items[0]?.warnings[0]?.message).toBe(await message())
  })

  test('is bounded, and tells members only how many service accounts', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await allow(name)
    await change({ servicePrincipal: null })
    expect(await message()).toContain('the service accounts a, b, c, d, e and 2 more')
    expect(await message(as.member)).toContain('7 service accounts')
  })

  test('says so where nothing uses it', async () => {
    await change({ servicePrincipal: null })
    expect(await message()).toContain('nothing uses it unattended yet')
  })
})
