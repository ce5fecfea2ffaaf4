import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  narrow,
  principal,
  readLog,
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

describe('statements', () => {
  const statements = '/api/2.0/sql/statements'
  const run = (statement: string, more: object = {}, token = machine) => {
    const body = { warehouse_id: workspace.compute.runningWarehouseId, statement, ...more }
    return api<Record<string, never>>(origin, statements, token, { body })
  }

  test('SELECT 1 and current_user(): all cells are strings', async () => {
    expect((await run('SELECT 1 AS one, current_user()', {}, userToken)).body).toMatchObject({
      status: { state: 'SUCCEEDED' },
      manifest: { schema: { column_count: 2 }, total_row_count: 1 },
      result: { data_array: [['1', 'dev@acme.test']] }
    })
  })

  test('failing SQL is HTTP 200 with FAILED', async () => {
    const answer = await run('SELEC 1')
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      status: { state: 'FAILED', error: { error_code: 'BAD_REQUEST' }, sql_state: '42601' }
    })
    expect(answer.body).not.toHaveProperty('manifest')
  })

  test('an unknown warehouse is 403, a malformed one 400, a missing one 400', async () => {
    const other = await run('SELECT 1', { warehouse_id: 'ffffffffffffffff' })
    expect(other).toMatchObject({ status: 403, body: { error_code: 'PERMISSION_DENIED' } })
    expect((await run('SELECT 1', { warehouse_id: 'x' })).status).toBe(400)
    expect((await run('SELECT 1', { warehouse_id: '' })).status).toBe(400)
  })

  test('wait_timeout out of range is 400 and mirrors the request id', async () => {
    const answer = await run('SELECT 1', { wait_timeout: '51s' })
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
      details: [{}, { request_id: answer.headers.get('x-request-id') }]
    })
  })

  test('many rows come in chunks that link on; one beyond the last is 400', async () => {
    const { body } = await run('SELECT id FROM range(25000)')
    expect(body).toMatchObject({
      manifest: { total_chunk_count: 3 },
      result: { next_chunk_index: 1 }
    })
    const chunk = (index: number) =>
      api<Record<string, never>>(
        origin,
        `${statements}/${body.statement_id}/result/chunks/${index}`,
        machine
      )
    const last = await chunk(2)
    expect(last.body).toMatchObject({ row_offset: 20_000, row_count: 5000 })
    expect(last.body).not.toHaveProperty('next_chunk_index')
    expect((await chunk(3)).status).toBe(400)
  })

  test('wait_timeout 0s answers exactly PENDING; an endless statement runs until it is canceled', async () => {
    const begun = await run('SELECT count(*) FROM range(999999999999)', { wait_timeout: '0s' })
    const id = begun.body.statement_id
    expect(begun.body).toEqual({ statement_id: id, status: { state: 'PENDING' } })
    const look = async () => (await api(origin, `${statements}/${id}`, machine)).body.status
    expect(await look()).toEqual({ state: 'RUNNING' })
    expect(await api(origin, `${statements}/${id}/cancel`, machine, { body: {} })).toMatchObject({
      status: 200,
      body: {}
    })
    expect(await look()).toEqual({ state: 'CANCELED' })
  })

  test('cancel is 200 even for an unknown id; reading that id is 404', async () => {
    const path = `${statements}/01f1c46b-0000-1000-8000-000000000000`
    expect((await api(origin, `${path}/cancel`, machine, { body: {} })).status).toBe(200)
    expect((await api(origin, path, machine)).status).toBe(404)
    expect((await api(origin, `${statements}/x`, machine)).status).toBe(400)
  })
})

describe('serving', () => {
  const ask = (name: string, body: object, token = machine) =>
    api<Record<string, never>>(origin, `/serving-endpoints/${name}/invocations`, token, { body })
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'Hello there' }] }]

  test('chat depends on what was asked; whoami on who asks', async () => {
    expect((await ask('databricks-llama', { messages })).body).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'You said: Hello there' } }]
    })
    for (const [token, userName] of [
      [userToken, 'dev@acme.test'],
      [machine, principal.clientId]
    ] as const) {
      expect((await ask('whoami', { messages }, token)).body).toMatchObject({
        choices: [{ message: { content: userName } }]
      })
    }
  })

  test('a stream is chunks that add up to the answer, then [DONE]', async () => {
    const answer = await fetch(`${origin}/serving-endpoints/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machine}` },
      body: JSON.stringify({ model: 'databricks-llama', messages, stream: true })
    })
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const events = (await answer.text()).split('\n\n').filter(Boolean)
    expect(events.at(-1)).toBe('data: [DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
    expect(chunks.map((chunk) => chunk.choices[0].delta.content).join('')).toBe(
      'You said: Hello there'
    )
    expect(chunks.at(-1).choices[0].finish_reason).toBe('stop')
  })

  test('embeddings, completions, responses and predictions', async () => {
    const post = (path: string, body: object) =>
      api<Record<string, never>>(origin, `/serving-endpoints/${path}`, machine, { body })
    const two = await post('embeddings', { model: 'databricks-embed', input: ['a', 'b'] })
    expect(two.body).toMatchObject({ object: 'list', data: [{ index: 0 }, { index: 1 }] })
    const text = await post('completions', { model: 'databricks-llama', prompt: 'Hi' })
    expect(text.body).toMatchObject({ choices: [{ text: 'You said: Hi' }] })
    const reply = await post('responses', { model: 'databricks-llama', input: 'Hi' })
    expect(reply.body).toMatchObject({ output: [{ content: [{ text: 'You said: Hi' }] }] })
    const split = { columns: ['age'], data: [[1], [2]] }
    const { body } = await ask('churn-model', { dataframe_split: split })
    expect(body.predictions).toHaveLength(2)
  })

  test('missing 404, forbidden 403 PERMISSION_DENIED, unfit input 400', async () => {
    expect(await ask('no-such', { messages })).toMatchObject({
      status: 404,
      body: { message: "Endpoint with name 'no-such' does not exist." }
    })
    expect(await ask('forbidden-model', { inputs: [1] })).toMatchObject({
      status: 403,
      body: { error_code: 'PERMISSION_DENIED' }
    })
    expect((await ask('churn-model', { nonsense: true })).status).toBe(400)
  })

  test('coldStartMs holds the first requests, and only those', async () => {
    await setFaults(origin, { coldStartMs: 200 })
    const timed = async () => {
      const startedAt = performance.now()
      await ask('churn-model', { inputs: [1] })
      return performance.now() - startedAt
    }
    const [first, second] = await Promise.all([timed(), timed()])
    expect(Math.min(first, second)).toBeGreaterThan(190)
    expect(await timed()).toBeLessThan(150)
  })

  test('streamCutAfterEvents cuts the connection, which is not the client leaving', async () => {
    await setFaults(origin, { streamCutAfterEvents: 2 })
    const since = new Date().toISOString()
    const answer = await fetch(`${origin}/serving-endpoints/databricks-llama/invocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machine}` },
      body: JSON.stringify({ messages, stream: true })
    })
    await expect(answer.text()).rejects.toThrow()
    expect((await readLog(origin, since)).at(-1)).toMatchObject({ status: 200, aborted: false })
  })

  test.each([
    ['before the headers', { coldStartMs: 2000 }],
    ['in mid-stream', { streamEventDelayMs: 500 }]
  ])('F37 a client that leaves %s is seen within 200 ms', async (_when, faults) => {
    await setFaults(origin, faults)
    const since = new Date().toISOString()
    const leave = new AbortController()
    const answer = fetch(`${origin}/serving-endpoints/databricks-llama/invocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machine}` },
      body: JSON.stringify({ messages, stream: true }),
      signal: leave.signal
    }).then((response) => response.text())
    await expect.poll(async () => (await readLog(origin, since)).length).toBe(1)
    await pause(50)
    leave.abort()
    await expect(answer).rejects.toThrow()
    await expect
      .poll(async () => (await readLog(origin, since))[0]?.aborted, { timeout: 200, interval: 20 })
      .toBe(true)
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

describe('log', () => {
  test('each request once, with whom it was for and no secret', async () => {
    const since = new Date().toISOString()
    const { body } = await machineToken(origin, principal)
    await api(origin, `${me}?attributes=${body.access_token}`, body.access_token)
    const items = await readLog(origin, since)
    expect(items).toMatchObject([
      {
        method: 'POST',
        path: '/oidc/v1/token',
        status: 200,
        grantType: 'client_credentials',
        clientId: principal.clientId,
        principal: principal.clientId,
        bodySha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        aborted: false
      },
      { method: 'GET', path: me, status: 200, principal: principal.clientId, bodySha256: null }
    ])
    expect(items[0]?.tokenId).toBe(items[1]?.tokenId)
    const whole = JSON.stringify(await readLog(origin))
    for (const secret of [body.access_token, userToken, principal.clientSecret, 'doau']) {
      expect(whole).not.toContain(secret)
    }
  })

  test('tokens of one sign-in share a familyId', async () => {
    const since = new Date().toISOString()
    const tokens = await signIn(origin)
    await api(origin, me, tokens.access_token)
    const items = (await readLog(origin, since)).filter(({ familyId }) => familyId !== null)
    expect(items.map(({ path }) => path)).toEqual(['/oidc/v1/token', me])
    expect(new Set(items.map(({ familyId }) => familyId)).size).toBe(1)
  })
})
