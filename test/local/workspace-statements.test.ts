import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  principal,
  resetFaults,
  setFaults,
  startWorkspace
} from './workspace-support.ts'

let workspace: RunningDatabricks
let token: string
beforeAll(async () => {
  workspace = await startWorkspace()
  token = (await machineToken(workspace.url, principal)).body.access_token
})
afterEach(() => resetFaults(workspace.url))
afterAll(() => workspace.stop())

type Json = Record<string, never>
const statements = '/api/2.0/sql/statements'
const run = (statement: string, more: object = {}) => {
  const body = { warehouse_id: workspace.compute.runningWarehouseId, statement, ...more }
  return api<Json>(workspace.url, statements, token, { body })
}
const look = async (id: unknown): Promise<Json> =>
  (await api<Json>(workspace.url, `${statements}/${id}`, token)).body

interface ExternalLink {
  external_link: string
  expiration: string
  byte_count: number
  chunk_index: number
  next_chunk_index?: number
}

function linkOf(result: Json | undefined): ExternalLink {
  const [link]: ExternalLink[] = result?.external_links ?? []
  if (!link) throw new TypeError('no link')
  return link
}

describe('external links', () => {
  const external = { disposition: 'EXTERNAL_LINKS' }

  test('lead to all rows, chunk by chunk, without Authorization', async () => {
    const { body } = await run('SELECT id FROM range(25000)', external)
    expect(body).toMatchObject({
      manifest: { total_chunk_count: 3, total_row_count: 25_000, format: 'JSON_ARRAY' }
    })
    expect(body.result).not.toHaveProperty('data_array')
    const rows: string[][] = []
    let link: ExternalLink | undefined = linkOf(body.result)
    while (link) {
      const answer = await fetch(link.external_link)
      const text = await answer.text()
      expect(Buffer.byteLength(text)).toBe(link.byte_count)
      rows.push(...JSON.parse(text))
      const next: number | undefined = link.next_chunk_index
      const path: string = `${statements}/${body.statement_id}/result/chunks/${next}`
      link =
        next === undefined ? undefined : linkOf((await api<Json>(workspace.url, path, token)).body)
    }
    expect(rows).toHaveLength(25_000)
    expect(rows.at(-1)).toEqual(['24999'])
  })

  test('a link with a token on it is 400, with another signature or path 403', async () => {
    const { body } = await run('SELECT 1', external)
    const { external_link: link } = linkOf(body.result)
    const withToken = await fetch(link, { headers: { authorization: `Bearer ${token}` } })
    expect(withToken.status).toBe(400)
    expect((await fetch(`${link}0`)).status).toBe(403)
    expect((await fetch(link.replace('/0?', '/1?'))).status).toBe(403)
  })

  test('CSV quotes what needs it; a chunk that is read again has a link of its own', async () => {
    const { body } = await run(`SELECT 'a,b' AS x, 1`, { ...external, format: 'CSV' })
    const { external_link: link, expiration } = linkOf(body.result)
    expect(await (await fetch(link)).text()).toBe('"a,b",1\n')
    expect(new Date(expiration).getTime()).toBeGreaterThan(Date.now() + 800_000)
  })

  test('INLINE with another format is 400', async () => {
    const answer = await run('SELECT 1', { format: 'CSV' })
    expect(answer).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/^Incompatible parameters: The format field must/) }
    })
  })
})

describe('waiting', () => {
  test('wait_timeout 0s answers PENDING, then RUNNING, then SUCCEEDED with the rows', async () => {
    await setFaults(workspace.url, { statementRunsMs: 200 })
    const { body } = await run('SELECT 7', { wait_timeout: '0s' })
    expect(body).toEqual({ statement_id: body.statement_id, status: { state: 'PENDING' } })
    expect(await look(body.statement_id)).toMatchObject({ status: { state: 'RUNNING' } })
    await expect
      .poll(async () => (await look(body.statement_id)).status)
      .toEqual({ state: 'SUCCEEDED' })
    expect(await look(body.statement_id)).toMatchObject({ result: { data_array: [['7']] } })
  })

  test('a canceled statement stays CANCELED and has no rows', async () => {
    await setFaults(workspace.url, { statementRunsMs: 3_600_000 })
    const { body } = await run('SELECT 7', { wait_timeout: '0s' })
    const path = `${statements}/${body.statement_id}`
    expect((await api(workspace.url, `${path}/cancel`, token, { body: {} })).status).toBe(200)
    expect((await look(body.statement_id)).status).toEqual({ state: 'CANCELED' })
    expect((await api(workspace.url, `${path}/result/chunks/0`, token)).status).toBe(404)
  })

  test('row_limit 0 gives no rows and says truncated', async () => {
    const { body } = await run('SELECT id FROM range(5)', { row_limit: 0 })
    expect(body).toMatchObject({ manifest: { total_row_count: 0, truncated: true }, result: {} })
  })
})

describe('warehouses', () => {
  test('start and stop; one that wakes is STARTING, and a statement on it PENDING', async () => {
    const id = workspace.compute.stoppedWarehouseId
    const path = `/api/2.0/sql/warehouses/${id}`
    const state = async () => (await api(workspace.url, path, token)).body.state
    const verb = (name: string) => api(workspace.url, `${path}/${name}`, token, { body: {} })
    await setFaults(workspace.url, { coldStartMs: 300 })
    expect(await verb('start')).toMatchObject({ status: 200, body: {} })
    expect(await state()).toBe('STARTING')
    const { body } = await run('SELECT 1', { warehouse_id: id, wait_timeout: '0s' })
    expect(await look(body.statement_id)).toMatchObject({ status: { state: 'PENDING' } })
    await expect.poll(state).toBe('RUNNING')
    await expect
      .poll(async () => (await look(body.statement_id)).status)
      .toMatchObject({
        state: 'SUCCEEDED'
      })
    await verb('stop')
    expect(await state()).toBe('STOPPED')
    const unknown = '/api/2.0/sql/warehouses/0000000000000000/start'
    expect((await api(workspace.url, unknown, token, { body: {} })).status).toBe(404)
  })
})
