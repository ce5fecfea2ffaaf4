import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RunView } from '../../src/fabrics/deployments/deployments.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { deployable, jobCalls, nightly, settings, workspaceOf } from './deploying.ts'
import { as, createWorld, faultOf, narrow, principal, type World } from './world.ts'

let world: World
let fabric: FabricView
let since: Date
const { clientId } = principal
const name = 'nightly'
const first = { limit: 50, cursor: null }
const start = (idempotencyKey: string | null = null, scope = as.lead) =>
  world.deployments.startRun(scope, fabric.id, name, {
    parameters: { day: 'monday' },
    idempotencyKey
  })
const ref = (runId: string) => ({ fabricId: fabric.id, name, runId })
const look = ({ runId }: RunView, scope = as.member) => world.deployments.getRun(scope, ref(runId))
const list = (page = first) => world.deployments.listRuns(as.member, fabric.id, name, page)
const idle = () => new AbortController().signal

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  fabric = await deployable(world)
  await world.deployments.put(as.lead, fabric.id, name, { settings, schedule: nightly })
  since = new Date()
  await world.faults({ runAdvance: 'poll' })
})

describe('a run', () => {
  test('runs as the service principal, with its parameters, and is told in plain words', async () => {
    const run = await start()
    expect(run).toMatchObject({
      runId: expect.stringMatching(/^\d+$/),
      state: 'pending',
      message: 'Waits for its compute',
      isOver: false,
      runAs: clientId,
      trigger: 'ONE_TIME',
      endedAt: null,
      cause: null,
      tasks: [{ taskKey: 'main', state: 'pending' }]
    })
    expect(run.pageUrl).toMatch(new RegExp(`^${world.workspace.url}/.*run/${run.runId}$`))
    expect(await look(run)).toMatchObject({ state: 'running', message: 'Is running' })
    const ended = await look(run)
    expect(ended).toMatchObject({ state: 'succeeded', message: 'Ended well', isOver: true })
    expect(ended.endedAt).toBeInstanceOf(Date)
    const output = await workspaceOf(world).call<{ notebook_output: { result: string } }>(
      'GET',
      `runs/get-output?run_id=${run.tasks[0]?.runId}`
    )
    expect(JSON.parse(output.notebook_output.result)).toEqual({
      ran_as: clientId,
      parameters: { day: 'monday' }
    })
    const calls = await jobCalls(world, since)
    expect(calls.filter((call) => !call.endsWith(` ${clientId}`))).toEqual([])
    expect(
      await world.sql(`SELECT actor_id, on_behalf_of, outcome, details->>'runId' AS run, details->>'step' AS step
                         FROM audit_events WHERE action = 'deployment_run.create' ORDER BY seq`)
    ).toEqual(
      [
        { run: null, step: 'begun' },
        { run: run.runId, step: 'done' }
      ].map((own) => ({
        actor_id: 'usr_lead',
        on_behalf_of: 'usr_lead',
        outcome: 'succeeded',
        ...own
      }))
    )
  })

  test('by its schedule is the service principal’s too, and in the list', async () => {
    await workspaceOf(world).control('schedules', {})
    const { items } = await list()
    expect(items).toMatchObject([{ trigger: 'PERIODIC', runAs: clientId }])
  })

  test.each([
    ['FAILED', 'failed', 'Failed: What a task ran failed', 'team_admin'],
    [
      'TIMEDOUT',
      'timed_out',
      'Took longer than its time limit and was ended: What a task ran failed',
      'team_admin'
    ],
    ['INTERNAL_ERROR', 'failed', 'Failed: The workspace failed', 'upstream']
  ])('that ends as %s says %s, and whose move it is', async (runResult, state, message, owner) => {
    await world.faults({ runResult })
    const run = await start()
    await look(run)
    expect(await look(run)).toMatchObject({ state, message, isOver: true, cause: { owner } })
  })

  test('is canceled once asked for', async () => {
    await world.faults({ runAdvance: 'time', runRunningMs: 600_000 })
    const { runId } = await start()
    const canceled = await world.deployments.cancelRun(as.lead, ref(runId))
    expect(canceled).toMatchObject({
      state: 'canceled',
      message: 'Was canceled: Somebody canceled it'
    })
    expect(await world.audit('deployment_run.cancel')).toMatchObject([
      { outcome: 'succeeded', details: { runId, step: 'begun' } },
      { outcome: 'succeeded', details: { runId, step: 'done' } }
    ])
  })

  test('the same key of the same caller is one run, another caller’s another', async () => {
    const { runId } = await start('key-1')
    expect((await start('key-1')).runId).toBe(runId)
    expect((await start('key-2')).runId).not.toBe(runId)
    expect((await start('key-1', as.admin)).runId).not.toBe(runId)
    const long = 'k'.repeat(128)
    expect((await start(long)).runId).toBe((await start(long)).runId)
  })

  test('pages by the workspace’s own, newest first, ids beyond 2^53 exact', async () => {
    await world.faults({ int64Ids: true })
    const ids: string[] = []
    for (let count = 0; count < 3; count += 1) ids.unshift((await start()).runId)
    expect(ids.every((id) => BigInt(id) > 2n ** 53n)).toBe(true)
    const page = await list({ limit: 2, cursor: null })
    expect(page.items.map(({ runId }) => runId)).toEqual(ids.slice(0, 2))
    const rest = await list({ limit: 2, cursor: page.nextCursor as never })
    expect(rest.items.map(({ runId }) => runId)).toEqual(ids.slice(2))
    expect(rest.nextCursor).toBeNull()
    const fault = await faultOf(list({ limit: 2, cursor: 'a b' as never }))
    expect(fault.code).toBe('invalid_request')
  })

  test('404 for a run of another job, as for none', async () => {
    const other = await world.deployments.put(as.lead, fabric.id, 'other', { settings })
    const job_id = Number(other.jobId)
    const { run_id } = await workspaceOf(world).call<{ run_id: number }>('POST', 'run-now', {
      job_id
    })
    const none = await faultOf(world.deployments.getRun(as.lead, ref('1')))
    expect(none.code).toBe('not_found')
    expect(await faultOf(world.deployments.getRun(as.lead, ref(String(run_id))))).toEqual(none)
    expect(await faultOf(world.deployments.cancelRun(as.lead, ref(String(run_id))))).toEqual(none)
  })
})

describe('following a run', () => {
  test('tells each change until the end', async () => {
    const { runId } = await start()
    const heard: string[] = []
    const onChange = ({ state }: RunView) => void heard.push(state)
    const end = await world.deployments.followRun(as.member, ref(runId), onChange, idle())
    expect([...heard, end.state]).toEqual(['running', 'succeeded'])
  })

  test('a workspace that is away for a moment is waited for, one that stays away is told', async () => {
    await world.faults({ apiStatus: 503, apiFaultTimes: 3, apiFaultPath: '/api/2.2/jobs/runs/get' })
    const away = await start().catch((error: unknown) => error)
    expect(away).toMatchObject({ code: 'upstream_unavailable' })
    const [run] = (await list()).items
    await world.deployments.followRun(as.member, ref(run?.runId ?? ''), () => undefined, idle())
    await world.faults({ apiFaultTimes: null })
    const stays = world.deployments.followRun(as.member, ref(run?.runId ?? ''), () => {}, idle())
    expect(await faultOf(stays)).toMatchObject({ code: 'upstream_unavailable' })
  })

  test('ends when who follows leaves, and when the deployment is no longer theirs to see', async () => {
    await world.faults({ runAdvance: 'time', runRunningMs: 600_000 })
    const { runId } = await start()
    const leaving = new AbortController()
    const left = world.deployments.followRun(
      as.lead,
      ref(runId),
      () => leaving.abort(),
      leaving.signal
    )
    expect(await faultOf(left)).toMatchObject({ code: 'upstream_timeout' })
    const heard: RunView[] = []
    const gone = world.deployments.followRun(as.lead, ref(runId), (run) => heard.push(run), idle())
    const fault = faultOf(gone)
    await expect.poll(() => heard.length).toBe(1)
    await world.deployments.remove(as.lead, fabric.id, name, { isForgotten: true })
    expect(await fault).toMatchObject({ code: 'not_found' })
  })
})

test('I4 no record, no run: the workspace is asked for nothing that could not be written down', async () => {
  await world.faults({ runAdvance: 'time', runRunningMs: 600_000 })
  const { runId } = await start()
  await world.sql(`REVOKE INSERT ON audit_events FROM ${world.appRole}`)
  const asked = new Date()
  const faults = [
    await faultOf(start()),
    await faultOf(world.deployments.cancelRun(as.lead, ref(runId))),
    await faultOf(world.deployments.remove(as.lead, fabric.id, name, { isForgotten: false }))
  ]
  await world.sql(`GRANT INSERT ON audit_events TO ${world.appRole}`)
  expect(faults.map(({ status }) => status >= 500)).toEqual([true, true, true])
  const changes = (await jobCalls(world, asked)).filter((call) =>
    /run-now|cancel|delete/.test(call)
  )
  expect(changes).toEqual([])
  expect(await list()).toMatchObject({ items: [{ runId, isOver: false }] })
})

describe('E never with other credentials', () => {
  test('a job that was made to run as somebody else is not run, and told', async () => {
    await workspaceOf(world).control('service-principals', {
      ...narrow,
      displayName: 'Somebody else',
      users: [clientId]
    })
    const { jobId } = await world.deployments.get(as.lead, fabric.id, name)
    const run_as = { service_principal_name: narrow.clientId }
    const change = { job_id: Number(jobId), new_settings: { run_as } }
    await workspaceOf(world).call('POST', 'update', change)
    expect((await world.deployments.get(as.lead, fabric.id, name)).job).toMatchObject({
      status: 'changed',
      changed: ['run_as']
    })
    expect(await faultOf(start())).toMatchObject({ code: 'conflict' })
    expect((await list()).items).toEqual([])
    expect(await world.audit('deployment_run.create')).toMatchObject([
      { details: { step: 'begun' } },
      { outcome: 'failed', code: 'conflict', details: { step: 'failed' } }
    ])
    await world.deployments.put(as.lead, fabric.id, name, { settings })
    expect((await start()).runAs).toBe(clientId)
  })

  test('a job that was deleted is not run: deploy it anew', async () => {
    const { jobId } = await world.deployments.get(as.lead, fabric.id, name)
    await workspaceOf(world).call('POST', 'delete', { job_id: Number(jobId) })
    expect(await faultOf(start())).toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('deleted')
    })
  })
})
