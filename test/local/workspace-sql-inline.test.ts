import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  principal,
  resetFaults,
  signIn,
  startWorkspace
} from './workspace-support.ts'

const _me = '/api/2.0/preview/scim/v2/Me'
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
