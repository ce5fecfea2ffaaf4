import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  narrow,
  principal,
  resetFaults,
  setFaults,
  signIn,
  startWorkspace
} from './workspace-support.ts'

let workspace: RunningDatabricks
let machine: string
let person: string
beforeAll(async () => {
  workspace = await startWorkspace()
  machine = (await machineToken(workspace.url, principal)).body.access_token
  person = (await signIn(workspace.url)).access_token
})
afterEach(() => resetFaults(workspace.url))
afterAll(() => workspace.stop())

type Json = Record<string, never>
const post = (verb: string, body: object, token = machine) =>
  api<Json>(workspace.url, `/api/2.2/jobs/${verb}`, token, { body })
const get = (path: string, token = machine) =>
  api<Json>(workspace.url, `/api/2.2/jobs/${path}`, token)

async function createJob(settings: object = {}, token = machine): Promise<number> {
  const { body } = await post('create', { name: 'nightly', ...settings }, token)
  return Number(body.job_id)
}

async function runJob(jobId: number, more: object = {}): Promise<number> {
  return Number((await post('run-now', { job_id: jobId, ...more })).body.run_id)
}

async function stateOf(runId: number): Promise<Json> {
  return (await get(`runs/get?run_id=${runId}`)).body.state ?? {}
}

/** What the workspace adds to settings by itself. */
const filledIn = {
  email_notifications: {},
  webhook_notifications: {},
  timeout_seconds: 0,
  max_concurrent_runs: 1,
  format: 'MULTI_TASK'
}

describe('run_as', () => {
  const runAs = { run_as: { service_principal_name: narrow.clientId } }

  test('403 for a caller without the role on the service principal', async () => {
    const answer = await post('create', runAs, person)
    expect(answer).toMatchObject({ status: 403, body: { error_code: 'PERMISSION_DENIED' } })
    expect(answer.body.message).toContain('servicePrincipal/user')
  })

  test('with the role the job and its runs act as it', async () => {
    const granted = { ...narrow, users: ['dev@acme.test'] }
    await api(workspace.url, '/_sim/service-principals', undefined, { body: granted })
    const jobId = await createJob(runAs, person)
    expect((await get(`get?job_id=${jobId}`, person)).body).toMatchObject({
      creator_user_name: 'dev@acme.test',
      run_as_user_name: narrow.clientId
    })
  })

  test('update and submit ask for the role as well; an unknown one is 400', async () => {
    const jobId = await createJob()
    expect((await post('update', { job_id: jobId, new_settings: runAs })).status).toBe(403)
    expect((await post('runs/submit', { tasks: [], ...runAs })).status).toBe(403)
    const unknown = { run_as: { service_principal_name: 'nobody' } }
    expect((await post('create', unknown)).status).toBe(400)
    expect((await post('create', { run_as: { user_name: 'dev@acme.test' } })).status).toBe(403)
  })
})

describe('jobs', () => {
  test('403 for who neither made it nor is it; the admin sees it', async () => {
    const jobId = await createJob()
    const refused = await get(`get?job_id=${jobId}`, person)
    expect(refused).toMatchObject({
      status: 403,
      body: {
        message: `User dev@acme.test does not have View or Admin or Manage Run or Owner permissions on job ${jobId}`
      }
    })
    expect((await post('delete', { job_id: jobId }, person)).status).toBe(403)
  })

  test('update merges the settings, reset replaces them, delete removes the job', async () => {
    const jobId = await createJob({ tags: { a: '1' } })
    await post('update', { job_id: jobId, new_settings: { name: 'renamed' } })
    const settings = async () => (await get(`get?job_id=${jobId}`)).body.settings
    expect(await settings()).toEqual({ ...filledIn, name: 'renamed', tags: { a: '1' } })
    await post('update', { job_id: jobId, fields_to_remove: ['tags'] })
    expect(await settings()).toEqual({ ...filledIn, name: 'renamed' })
    await post('reset', { job_id: jobId, new_settings: { name: 'anew' } })
    expect(await settings()).toEqual({ ...filledIn, name: 'anew' })
    await post('delete', { job_id: jobId })
    expect((await get(`get?job_id=${jobId}`)).status).toBe(400)
  })

  test('ids beyond 2^53 arrive and are found to the last digit', async () => {
    await setFaults(workspace.url, { int64Ids: true })
    const ask = async (path: string, body?: string) => {
      const answer = await fetch(`${workspace.url}/api/2.2/jobs/${path}`, {
        headers: { authorization: `Bearer ${machine}` },
        ...(body === undefined ? {} : { method: 'POST', body })
      })
      return { status: answer.status, text: await answer.text() }
    }
    const { text } = await ask('create', '{"name":"large"}')
    const id = /^\{"job_id":(\d+)\}$/.exec(text)?.[1] ?? ''
    expect(BigInt(id)).toBeGreaterThan(2n ** 53n)
    expect(String(Number(id))).not.toBe(id)
    expect((await ask(`get?job_id=${id}`)).text).toContain(`"job_id":${id},`)
    expect((await ask('run-now', `{"job_id":${id}}`)).status).toBe(200)
    expect((await ask(`get?job_id=${BigInt(id) - 1n}`)).status).toBe(400)
  })
})

describe('runs', () => {
  test('move on with each look where the faults say so', async () => {
    await setFaults(workspace.url, { runAdvance: 'poll' })
    const runId = await runJob(await createJob())
    const seen = [await stateOf(runId), await stateOf(runId), await stateOf(runId)]
    expect(seen.map(({ life_cycle_state: state }) => state)).toEqual([
      'PENDING',
      'RUNNING',
      'TERMINATED'
    ])
    expect(seen[2]).toMatchObject({ result_state: 'SUCCESS' })
  })

  test('move on with time otherwise', async () => {
    await setFaults(workspace.url, { runPendingMs: 0, runRunningMs: 3_600_000 })
    const runId = await runJob(await createJob())
    expect(await stateOf(runId)).toMatchObject({ life_cycle_state: 'RUNNING' })
    await setFaults(workspace.url, { runRunningMs: 0 })
    expect(await stateOf(runId)).toMatchObject({ life_cycle_state: 'TERMINATED' })
  })

  test.each([
    ['FAILED', 'TERMINATED', 'FAILED'],
    ['TIMEDOUT', 'TERMINATED', 'TIMEDOUT'],
    ['INTERNAL_ERROR', 'INTERNAL_ERROR', 'FAILED']
  ])('runResult %s', async (runResult, lifeCycle, result) => {
    await setFaults(workspace.url, { runResult, runPendingMs: 0, runRunningMs: 0 })
    const runId = await runJob(await createJob())
    expect(await stateOf(runId)).toMatchObject({
      life_cycle_state: lifeCycle,
      result_state: result
    })
  })

  test('cancel ends a run as CANCELED', async () => {
    await setFaults(workspace.url, { runRunningMs: 3_600_000 })
    const runId = await runJob(await createJob())
    expect(await post('runs/cancel', { run_id: runId })).toMatchObject({ status: 200, body: {} })
    expect(await stateOf(runId)).toMatchObject({
      life_cycle_state: 'TERMINATED',
      result_state: 'CANCELED',
      user_cancelled_or_timedout: true
    })
  })

  test('the same idempotency_token is the same run, for run-now and submit; a long one is 400', async () => {
    const jobId = await createJob()
    const one = await runJob(jobId, { idempotency_token: 'a' })
    expect(await runJob(jobId, { idempotency_token: 'a' })).toBe(one)
    expect(await runJob(jobId, { idempotency_token: 'b' })).not.toBe(one)
    const submit = () => post('runs/submit', { run_name: 'x', idempotency_token: 'a' })
    expect((await submit()).body).toEqual((await submit()).body)
    const long = { job_id: jobId, idempotency_token: 'x'.repeat(65) }
    expect((await post('run-now', long)).status).toBe(400)
  })

  test('list pages by job, newest first, and tells active from completed', async () => {
    await setFaults(workspace.url, { runRunningMs: 3_600_000 })
    const jobId = await createJob()
    const ids = [await runJob(jobId), await runJob(jobId), await runJob(jobId)]
    await post('runs/cancel', { run_id: ids[0] })
    const list = async (query: string): Promise<Json> =>
      (await get(`runs/list?job_id=${jobId}&${query}`)).body
    const first = await list('limit=2')
    expect(first).toMatchObject({ has_more: true, runs: [{ run_id: ids[2] }, { run_id: ids[1] }] })
    const second = await list(`limit=2&page_token=${first.next_page_token}`)
    expect(second).toMatchObject({ has_more: false, runs: [{ run_id: ids[0] }] })
    expect((await list('active_only=true')).runs).toHaveLength(2)
    expect((await list('completed_only=true')).runs).toHaveLength(1)
    await post('runs/cancel-all', { job_id: jobId })
    expect(await list('active_only=true')).toEqual({ has_more: false })
  })

  test('get-output answers for a task run; several tasks at once are 400', async () => {
    await setFaults(workspace.url, { runPendingMs: 0, runRunningMs: 0 })
    const tasks = [{ task_key: 'warp' }, { task_key: 'weft' }]
    const runId = await runJob(await createJob({ tasks }), { job_parameters: { day: '1' } })
    const run = (await get(`runs/get?run_id=${runId}`)).body
    expect(run.tasks).toMatchObject(tasks)
    expect((await get(`runs/get-output?run_id=${runId}`)).status).toBe(400)
    const { tasks: told = [] }: { tasks?: { run_id: number }[] } = run
    const [task] = told
    const output = await get(`runs/get-output?run_id=${task?.run_id}`)
    expect(output.body).toMatchObject({
      notebook_output: {
        result: JSON.stringify({ ran_as: principal.clientId, parameters: { day: '1' } }),
        truncated: false
      },
      metadata: { run_id: runId }
    })
  })
})
