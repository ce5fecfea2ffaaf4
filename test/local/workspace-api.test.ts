import { setTimeout as pause } from 'node:timers/promises'
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

const me = '/api/2.0/preview/scim/v2/Me'
let workspace: RunningDatabricks
let origin: string
let userToken: string
let machine: string
beforeAll(async () => {
  workspace = await startWorkspace()
  origin = workspace.url
  userToken = (await signIn(origin)).access_token
  machine = (await machineToken(origin, principal)).body.access_token
})
afterEach(() => resetFaults(origin))
afterAll(() => workspace.stop())

describe('edge', () => {
  test('no credential: 401 with a numeric code and the realm', async () => {
    const answer = await api(origin, me, undefined)
    const requestId = answer.headers.get('x-request-id')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="DatabricksRealm"')
    expect(answer.headers.get('x-databricks-org-id')).toBeNull()
    expect(answer.body).toEqual({
      error_code: 401,
      message: `Credential was not sent or was of an unsupported type for this API. [ReqId: ${requestId}]`
    })
  })

  test('F15 a wrong token: 403 with a numeric code, never 401', async () => {
    const answer = await api(origin, me, 'dapi0123')
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-databricks-reason-phrase')).toBe('Invalid access token.')
    expect(answer.body).toEqual({
      error_code: 403,
      message: expect.stringMatching(/^Invalid access token\. \[ReqId: .+\]$/)
    })
  })

  test('the workspace id is told only after authentication, and the request id is mirrored', async () => {
    const headers = { 'x-request-id': 'req-12345678' }
    const answer = await api(origin, me, userToken, { headers })
    expect(answer.headers.get('x-databricks-org-id')).toBe('900800700600')
    expect(answer.headers.get('x-request-id')).toBe('req-12345678')
  })

  test('an expired token is dead, with the status that deadTokenStatus says', async () => {
    await setFaults(origin, { accessTokenTtlSeconds: 1 })
    const { body } = await machineToken(origin, principal)
    expect((await api(origin, me, body.access_token)).status).toBe(200)
    await pause(1100)
    expect((await api(origin, me, body.access_token)).status).toBe(403)
    await setFaults(origin, { deadTokenStatus: 401 })
    expect((await api(origin, me, body.access_token)).status).toBe(401)
  })

  test('invalidateAccessTokens kills what was issued so far and nothing later', async () => {
    const old = (await machineToken(origin, principal)).body.access_token
    await setFaults(origin, { invalidateAccessTokens: true })
    expect((await api(origin, me, old)).status).toBe(403)
    const fresh = (await machineToken(origin, principal)).body.access_token
    expect((await api(origin, me, fresh)).status).toBe(200)
    userToken = (await signIn(origin)).access_token
    machine = fresh
  })

  test('ipBlocked names the address and the workspace', async () => {
    await setFaults(origin, { ipBlocked: true })
    const answer = await api(origin, me, userToken)
    expect(answer.status).toBe(403)
    expect(answer.body.message).toMatch(
      /^Source IP address: .+ is blocked by Databricks IP ACL for workspace: 900800700600 \[ReqId/
    )
  })

  test('a missing scope is 403 and named; identity needs none', async () => {
    const { body } = await machineToken(origin, narrow, 'sql')
    const refused = await api(origin, '/api/2.0/serving-endpoints', body.access_token)
    expect(refused.status).toBe(403)
    expect(refused.body.message).toMatch(
      /^Provided OAuth token does not have required scopes: model-serving \[ReqId: /
    )
    expect((await api(origin, me, body.access_token)).status).toBe(200)
    expect((await api(origin, '/api/2.0/sql/warehouses', body.access_token)).status).toBe(200)
  })

  test('apiStatus with Retry-After, and apiDelayMs', async () => {
    await setFaults(origin, { apiStatus: 429, apiRetryAfterSeconds: 3, apiDelayMs: 100 })
    const startedAt = performance.now()
    const answer = await api(origin, me, userToken)
    expect(performance.now() - startedAt).toBeGreaterThan(95)
    expect(answer.status).toBe(429)
    expect(answer.headers.get('retry-after')).toBe('3')
    expect(answer.body.error_code).toBe('REQUEST_LIMIT_EXCEEDED')
  })

  test('unknown paths: ENDPOINT_NOT_FOUND, an empty body below sql, the login page elsewhere', async () => {
    const unknown = await api(origin, '/api/2.0/nothing/here', userToken)
    expect(unknown.status).toBe(404)
    expect(unknown.body).toMatchObject({
      error_code: 'ENDPOINT_NOT_FOUND',
      message: "No API found for 'GET /nothing/here'"
    })
    expect(await api(origin, '/api/2.0/sql/nothing', userToken)).toMatchObject({
      status: 404,
      body: ''
    })
    const page = await fetch(`${origin}/explore`)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  })
})

describe('identity and compute', () => {
  test('a person is known by email, a service principal by its application id', async () => {
    expect((await api(origin, me, userToken)).body).toMatchObject({
      userName: 'dev@acme.test',
      id: expect.stringMatching(/^\d+$/),
      emails: [{ value: 'dev@acme.test', primary: true }]
    })
    expect((await api(origin, me, machine)).body).toMatchObject({
      userName: principal.clientId,
      applicationId: principal.clientId
    })
  })

  test('clusters: a state each, and 400 for one that does not exist', async () => {
    const path = '/api/2.1/clusters/get?cluster_id='
    const { runningClusterId, terminatedClusterId } = workspace.compute
    expect((await api(origin, path + runningClusterId, machine)).body.state).toBe('RUNNING')
    expect((await api(origin, path + terminatedClusterId, machine)).body.state).toBe('TERMINATED')
    expect(await api(origin, `${path}0000`, machine)).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'Cluster 0000 does not exist' }
    })
  })

  test('warehouses: ids of 16 hex digits; a stopped one is a healthy answer', async () => {
    const { runningWarehouseId, stoppedWarehouseId } = workspace.compute
    expect(runningWarehouseId).toMatch(/^[0-9a-f]{16}$/)
    const stopped = await api(origin, `/api/2.0/sql/warehouses/${stoppedWarehouseId}`, machine)
    expect(stopped).toMatchObject({ status: 200, body: { state: 'STOPPED' } })
    const { body } = await api<{ warehouses: [] }>(origin, '/api/2.0/sql/warehouses', machine)
    expect(body.warehouses).toHaveLength(2)
  })
})

describe('jobs', () => {
  const post = (verb: string, body: object) =>
    api<Record<string, never>>(origin, `/api/2.2/jobs/${verb}`, machine, { body })

  test('create, reset, run, and the run ends in SUCCESS', async () => {
    const runAs = { service_principal_name: principal.clientId }
    const { job_id: jobId } = (await post('create', { name: 'nightly', run_as: runAs })).body
    await post('reset', { job_id: jobId, new_settings: { name: 'nightly 2', run_as: runAs } })
    const job = await api(origin, `/api/2.2/jobs/get?job_id=${jobId}`, machine)
    expect(job.body).toMatchObject({
      settings: { name: 'nightly 2' },
      run_as_user_name: principal.clientId
    })
    const token = { job_id: jobId, idempotency_token: 'once' }
    const [one, same] = [await post('run-now', token), await post('run-now', token)]
    expect(one.body).toEqual(same.body)
    await expect
      .poll(async () => {
        const path = `/api/2.2/jobs/runs/get?run_id=${one.body.run_id}`
        return (await api(origin, path, machine)).body.state
      })
      .toMatchObject({ life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' })
  })

  test('what does not exist is 400', async () => {
    for (const path of ['get?job_id=1', 'runs/get?run_id=1']) {
      const answer = await api(origin, `/api/2.2/jobs/${path}`, machine)
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
    }
  })
})
