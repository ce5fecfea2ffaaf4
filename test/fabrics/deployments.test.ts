import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDeployments } from '../../src/fabrics/deployments/create-deployments.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { deployable, jobCalls, nightly, settings, tasks, workspaceOf } from './deploying.ts'
import { as, createWorld, faultOf, narrow, principal, type World } from './world.ts'

let world: World
let fabric: FabricView
let since: Date
const { clientId } = principal
const put = (more: object = {}, name = 'nightly', scope = as.lead) =>
  world.deployments.put(scope, fabric.id, name, { settings, ...more })
const get = (scope = as.lead) => world.deployments.get(scope, fabric.id, 'nightly')
const remove = (isForgotten = false) =>
  world.deployments.remove(as.lead, fabric.id, 'nightly', { isForgotten })

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  const workspace = workspaceOf(world)
  for (const { job_id } of await workspace.jobs())
    await workspace.call('POST', 'delete', { job_id })
  fabric = await deployable(world)
  since = new Date()
})

describe('deploying', () => {
  test('makes a job that runs as the service principal, tagged, on behalf of the admin', async () => {
    const made = await put({ schedule: nightly })
    const [job, ...others] = await workspaceOf(world).jobs()
    expect(others).toEqual([])
    expect(job).toMatchObject({
      creator_user_name: clientId,
      run_as_user_name: clientId,
      settings: {
        name: `nightly [${fabric.id}]`,
        run_as: { service_principal_name: clientId },
        max_concurrent_runs: 2,
        tasks,
        tags: {
          cost: 'sales',
          'weft-tenant': 'ten_acme',
          'weft-fabric': fabric.id,
          'weft-deployment': 'nightly'
        },
        schedule: {
          quartz_cron_expression: '0 0 3 * * ?',
          timezone_id: 'Europe/Berlin',
          pause_status: 'UNPAUSED'
        }
      }
    })
    expect(made).toMatchObject({
      name: 'nightly',
      state: 'deployed',
      jobId: String(job?.job_id),
      jobUrl: `${world.workspace.url}/jobs/${job?.job_id}`,
      servicePrincipal: clientId,
      schedule: nightly,
      deployedBy: 'usr_lead',
      leftBehind: [],
      job: { status: 'unchanged', changed: [], code: null }
    })
    expect(
      await world.sql(`SELECT actor_id, on_behalf_of, fabric_id, outcome, details->>'step' AS step
                              FROM audit_events WHERE action = 'deployment.put' ORDER BY seq`)
    ).toEqual(
      ['begun', 'created'].map((step) => ({
        actor_id: 'usr_lead',
        on_behalf_of: 'usr_lead',
        fabric_id: fabric.id,
        outcome: 'succeeded',
        step
      }))
    )
  })

  test('E the workspace is asked as the service principal and nobody else', async () => {
    await put()
    await put({ schedule: nightly })
    await remove()
    const calls = await jobCalls(world, since)
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.filter((call) => !call.endsWith(` ${clientId}`))).toEqual([])
  })

  test('the same name again resets the same job, every setting of it', async () => {
    const first = await put({ schedule: nightly })
    const again = await put({ settings: { tasks: [{ task_key: 'other' }] } })
    expect([again.id, again.jobId]).toEqual([first.id, first.jobId])
    expect(again.specHash).not.toBe(first.specHash)
    expect(again.schedule).toBeNull()
    const [job, ...others] = await workspaceOf(world).jobs()
    expect(others).toEqual([])
    expect(job?.settings).not.toHaveProperty('schedule')
    expect(job?.settings.tasks).toEqual([{ task_key: 'other' }])
  })

  test('what it was deployed with is kept sealed, and shown to who may deploy it anew and to nobody else', async () => {
    const settings = { tasks, parameters: [{ name: 'dose', default: 'kept-parameter' }] }
    const made = await put({ settings })
    expect(made.spec).toEqual({ settings, jobSize: null })
    const [row] = await world.sql('SELECT spec_sealed FROM deployments')
    expect(String(row?.spec_sealed)).toMatch(/^eyJ/)
    expect(JSON.stringify(await world.sql('SELECT * FROM deployments'))).not.toContain('kept-')
    expect((await world.deployments.get(as.member, fabric.id, 'nightly')).spec).toBeNull()
    const { items } = await world.deployments.list(as.lead, fabric.id, { limit: 5, cursor: null })
    expect(items.map(({ spec }) => spec)).toEqual([null])
  })

  test('ids beyond 2^53 stay exact', async () => {
    await world.faults({ int64Ids: true })
    const made = await put()
    expect(BigInt(made.jobId ?? 0)).toBeGreaterThan(2n ** 53n)
    expect((await put()).jobId).toBe(made.jobId)
    await remove()
    expect(await workspaceOf(world).jobs()).toEqual([])
  })

  test('an end between making the job and writing it down: the next one takes that job', async () => {
    const { deps } = world
    let isDead = false
    const dying = createDeployments({
      ...deps,
      db: {
        ...deps.db,
        inTenant: (scope, work) =>
          isDead ? Promise.reject(new TypeError('killed')) : deps.db.inTenant(scope, work)
      },
      outbound: {
        ...deps.outbound,
        async request(input) {
          const answer = await deps.outbound.request(input)
          isDead ||= String(input.url).endsWith('/jobs/create')
          return answer
        }
      }
    })
    await expect(dying.put(as.lead, fabric.id, 'nightly', { settings })).rejects.toThrow('killed')
    const [orphan] = await workspaceOf(world).jobs()
    expect(await get()).toMatchObject({ state: 'deploying', jobId: null })
    expect(await faultOf(put())).toMatchObject({ code: 'conflict', retryAt: expect.any(Date) })
    world.clock.advance(121_000)
    expect(await get()).toMatchObject({ state: 'unfinished' })
    expect(await put()).toMatchObject({ jobId: String(orphan?.job_id), state: 'deployed' })
    expect(await workspaceOf(world).jobs()).toHaveLength(1)
  })

  test('two at once make one job', async () => {
    const ends = await Promise.allSettled([put(), put(), put()])
    const failed = ends.filter((end) => end.status === 'rejected')
    expect(ends.length - failed.length).toBeGreaterThan(0)
    for (const { reason } of failed) expect(reason).toMatchObject({ code: 'conflict' })
    expect(await workspaceOf(world).jobs()).toHaveLength(1)
  })

  test('E a job of the same name and tags that somebody else made is never taken', async () => {
    const name = `nightly [${fabric.id}]`
    const tags = {
      'weft-tenant': 'ten_acme',
      'weft-fabric': fabric.id,
      'weft-deployment': 'nightly'
    }
    await workspaceOf(world).control('service-principals', {
      ...principal,
      displayName: 'Night Worker',
      users: [narrow.clientId]
    })
    const theirs = workspaceOf(world, world.workspace.url, { ...narrow })
    await workspaceOf(world).control('service-principals', {
      ...narrow,
      displayName: 'Intruder'
    })
    const run_as = { service_principal_name: clientId }
    const { job_id } = await theirs.call<{ job_id: number }>('POST', 'create', {
      name,
      tags,
      run_as
    })
    const made = await put()
    expect(made.jobId).not.toBe(String(job_id))
    await theirs.call('POST', 'delete', { job_id })
  })
})

test('a job size is the cluster of the tasks that need one and name none', async () => {
  const cluster = { spark_version: '15.4.x-scala2.12', num_workers: 2, node_type_id: 'm5.large' }
  const compute = { clusterId: world.workspace.compute.runningClusterId }
  const jobSizes = [{ name: 'small', cluster }]
  fabric = await deployable(world, { name: 'Spark', kind: 'spark', compute, jobSizes })
  const sql = { task_key: 'sql', sql_task: { warehouse_id: 'abc' } }
  const own = { task_key: 'own', notebook_task: {}, existing_cluster_id: '1-2-a' }
  const sized = { settings: { tasks: [...tasks, sql, own] }, jobSize: 'small' }
  expect((await put(sized)).job?.status).toBe('unchanged')
  const [job] = await workspaceOf(world).jobs()
  expect(job?.settings).toMatchObject({
    job_clusters: [{ job_cluster_key: 'weft-size', new_cluster: cluster }],
    tasks: [{ ...tasks[0], job_cluster_key: 'weft-size' }, sql, own]
  })
  expect(await faultOf(put({ jobSize: 'large' }))).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: '/jobSize' }]
  })
})

describe('what stands at the workspace', () => {
  test('a change there is told, and undone by deploying again', async () => {
    const { jobId } = await put({ schedule: nightly })
    const schedule = { quartz_cron_expression: '0 0 4 * * ?', timezone_id: 'UTC' }
    const new_settings = { schedule, max_concurrent_runs: 9 }
    await workspaceOf(world).call('POST', 'update', { job_id: Number(jobId), new_settings })
    expect((await get()).job).toMatchObject({
      status: 'changed',
      changed: ['schedule', 'max_concurrent_runs']
    })
    expect((await put({ schedule: nightly })).job?.status).toBe('unchanged')
  })

  test('a job that was deleted there is told as gone, and made anew', async () => {
    const { jobId } = await put()
    await workspaceOf(world).call('POST', 'delete', { job_id: Number(jobId) })
    expect((await get()).job).toMatchObject({ status: 'gone' })
    const again = await put()
    expect(again).toMatchObject({ job: { status: 'unchanged' }, leftBehind: [] })
    expect(again.jobId).not.toBe(jobId)
  })

  test('a workspace that does not answer leaves the rest readable', async () => {
    await put()
    await world.faults({ apiStatus: 503 })
    expect(await get(as.member)).toMatchObject({
      state: 'deployed',
      job: { status: 'unknown', code: 'upstream_unavailable', owner: 'upstream' }
    })
    expect(await faultOf(put())).toMatchObject({ code: 'upstream_unavailable' })
    await world.faults(null)
    expect((await put()).job?.status).toBe('unchanged')
  })

  test('a token that has died is replaced once and the call made again', async () => {
    await put()
    await world.faults({ invalidateAccessTokens: true })
    await world.faults({ invalidateAccessTokens: false })
    expect((await put()).job?.status).toBe('unchanged')
  })

  test('deleting deletes the job, and forgets one that is gone', async () => {
    await put()
    await remove()
    expect(await workspaceOf(world).jobs()).toEqual([])
    expect(await faultOf(get())).toMatchObject({ code: 'not_found' })
    const { jobId } = await put()
    await workspaceOf(world).call('POST', 'delete', { job_id: Number(jobId) })
    await remove()
    expect(await faultOf(remove())).toMatchObject({ code: 'not_found' })
    const steps = (await world.audit('deployment.delete')).map(({ details }) => details)
    expect(steps).toMatchObject(['begun', 'done', 'begun', 'done'].map((step) => ({ step })))
  })

  test('deleting waits for a workspace that answers, or forgets', async () => {
    await put()
    await world.faults({ apiStatus: 503 })
    expect(await faultOf(remove())).toMatchObject({ code: 'upstream_unavailable' })
    expect(await get()).toMatchObject({ state: 'deployed' })
    await remove(true)
    expect(await faultOf(get())).toMatchObject({ code: 'not_found' })
    await world.faults(null)
    expect(await workspaceOf(world).jobs()).toHaveLength(1)
  })
})

describe('what is refused', () => {
  test.each([
    [{ settings: { tasks, name: 'mine' } }, '/settings/name'],
    [{ settings: { tasks, run_as: { user_name: 'dev@acme.test' } } }, '/settings/run_as'],
    [{ settings: { tasks, schedule: {} } }, '/settings/schedule'],
    [{ settings: { tasks, access_control_list: [] } }, '/settings/access_control_list'],
    [{ settings: { tasks, tags: { 'weft-fabric': 'x' } } }, '/settings/tags/weft-fabric'],
    [{ settings: { tasks, tags: [] } }, '/settings/tags'],
    [{ settings: { tasks, timeout_seconds: 2 ** 53 } }, '/settings/timeout_seconds'],
    [{ settings: { tasks, description: 'x'.repeat(140_000) } }, '/settings'],
    [{ settings: { tasks: [JSON.parse('['.repeat(30) + ']'.repeat(30))] } }, undefined],
    [
      { schedule: { ...nightly, quartzCronExpression: 'every day' } },
      '/schedule/quartzCronExpression'
    ],
    [{ schedule: { ...nightly, timezoneId: 'Mars/Olympus' } }, '/schedule/timezoneId'],
    [{ settings: { tasks, continuous: {} }, schedule: nightly }, '/settings/continuous']
  ] as const)('400 for %j before anybody is asked', async (more, pointer) => {
    const fault = await faultOf(put(more))
    expect(fault.code).toBe('invalid_request')
    if (pointer !== undefined) {
      expect(fault.errors?.map((error) => error.pointer)).toContain(pointer)
    }
    expect(await jobCalls(world, since)).toEqual([])
    expect(await world.sql('SELECT FROM deployments')).toEqual([])
  })

  test('400 for what the workspace refuses, in words of the caller’s own; nothing is kept', async () => {
    const fault = await faultOf(put({ settings: { tasks: [{ notebook_task: {} }] } }))
    expect(fault).toMatchObject({
      code: 'invalid_request',
      detail: 'The workspace refuses it (INVALID_PARAMETER_VALUE); it names tasks'
    })
    expect(await world.sql('SELECT FROM deployments')).toEqual([])
    expect(await world.audit('deployment.put')).toMatchObject([
      { outcome: 'succeeded' },
      { outcome: 'failed', code: 'invalid_request' }
    ])
  })

  test('409 service_principal_missing without one, and nobody is asked', async () => {
    const { version } = fabric
    await world.fabrics.update(as.lead, fabric.id, { version, servicePrincipal: null })
    expect(await faultOf(put())).toMatchObject({ code: 'service_principal_missing', status: 409 })
    expect(await jobCalls(world, since)).toEqual([])
  })

  test('409 while the fabric is a draft', async () => {
    const { id } = await world.fabrics.create(as.lead, world.newFabric({ name: 'Draft' }))
    const fault = await faultOf(world.deployments.put(as.lead, id, 'x', { settings }))
    expect(fault).toMatchObject({ code: 'fabric_incomplete' })
  })

  test('502 where the secret is no good', async () => {
    await workspaceOf(world).control('service-principals', {
      clientId,
      clientSecret: 'another',
      displayName: 'Night Worker'
    })
    expect(await faultOf(put())).toMatchObject({
      code: 'service_principal_refused',
      owner: 'team_admin'
    })
    await workspaceOf(world).control('service-principals', {
      ...principal,
      displayName: 'Night Worker'
    })
  })

  test('D1 403 for a member, 404 for an outsider and a stranger as for no fabric', async () => {
    await put()
    const newRun = { parameters: {}, idempotencyKey: null }
    const calls = (scope: (typeof as)['lead'], name = 'nightly') => [
      () => world.deployments.put(scope, fabric.id, name, { settings }),
      () => world.deployments.remove(scope, fabric.id, name, { isForgotten: true }),
      () => world.deployments.startRun(scope, fabric.id, name, newRun),
      () => world.deployments.cancelRun(scope, { fabricId: fabric.id, name, runId: '1' })
    ]
    for (const call of calls(as.member)) {
      expect(await faultOf(call())).toMatchObject({ code: 'forbidden' })
    }
    for (const scope of [as.outsider, as.stranger]) {
      for (const call of [...calls(scope), () => get(scope)]) {
        expect(await faultOf(call())).toEqual(await faultOf(world.fabrics.get(scope, fabric.id)))
      }
    }
    expect((await get(as.member)).name).toBe('nightly')
    const { items } = await world.deployments.list(as.member, fabric.id, { limit: 1, cursor: null })
    expect(items).toMatchObject([{ name: 'nightly', job: null }])
  })
})
