import { beforeAll, describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { type Simulator, simulatorAt } from './simulator.ts'
import { openSession } from './thrift-bytes.ts'
import { jsonOf, type Received, sha256 } from './wire.ts'

const statements = '/api/2.0/sql/statements'

function problemOf(answer: Received): [number, unknown] {
  return [answer.status, answer.headers['x-weft-problem']]
}

function isRaw(body: unknown): body is string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body)
}

/** SQL in both of its forms, against the real stack. */
export function sqlSuite(world: () => World): void {
  const get = (path: string, more = {}) => world().ask(path, { method: 'GET', ...more })
  const post = (path: string, body: unknown, more = {}) =>
    world().ask(path, { body: isRaw(body) ? body : JSON.stringify(body), ...more })

  let warehouseId = ''
  /** The seeded SQL fabric, and the workspace that it is at. */
  let sql: { readonly fabric: string }
  let sqlWorkspace: Simulator

  beforeAll(async () => {
    const { stack, admin } = world()
    sql = { fabric: stack.fabrics.find(({ kind }) => kind === 'sql')?.id ?? '' }
    sqlWorkspace = simulatorAt(stack.workspaces[1])
    const path = `/api/v1/fabrics/${sql.fabric}`
    const fabric = await admin.expect<{ compute: { warehouseId: string } }>(200, 'GET', path)
    warehouseId = fabric.compute.warehouseId
  })

  describe('SQL statements', () => {
    test('run, are read again, chunk by chunk, cancelled and closed', async () => {
      const one = { warehouse_id: warehouseId, statement: 'SELECT 1' }
      const answer = await post(statements, { ...one, wait_timeout: '10s' }, sql)
      expect(answer.status).toBe(200)
      expect(answer.headers['x-weft-identity']).toBe('service_principal')
      const { statement_id: id, status } = jsonOf(answer)
      expect(status).toMatchObject({ state: 'SUCCEEDED' })
      const again = await get(`${statements}/${id}`, sql)
      expect(jsonOf(again)).toMatchObject({ statement_id: id })
      expect((await get(`${statements}/${id}/result/chunks/0`, sql)).status).toBe(200)
      expect(jsonOf(await post(`${statements}/${id}/cancel`, '', sql))).toEqual({})
      const closed = await world().ask(`${statements}/${id}`, { method: 'DELETE', ...sql })
      expect([closed.status, jsonOf(closed)]).toEqual([200, {}])
    })

    test('reach the workspace byte for byte, at either spelling of their path', async () => {
      const body = `{"warehouse_id":"${warehouseId}", "statement":"SELECT 9223372036854775807","row_limit":1,"row_limit":2}`
      for (const path of [statements, `${statements}/`]) {
        await sqlWorkspace.mark()
        expect((await post(path, body, sql)).status).toBe(200)
        const entry = await sqlWorkspace.until((one) => one.path.startsWith(statements))
        expect([entry.path, entry.bodySha256]).toEqual([path, sha256(body)])
      }
    })

    describe('without a warehouse_id', () => {
      const rest = [
        ['members that come twice', '"statement":"SELECT 1","row_limit":1,"row_limit":2'],
        ['integers of 64 bits', '"statement":"SELECT 1", "byte_limit" : 9223372036854775807'],
        ['one that is nested', '"statement":"SELECT 1","query_tags":[{"warehouse_id":"x"}]'],
        ['escapes and odd spaces', '\n"statement"\t: "SELECT \\u0031"  ,"parameters":[]\r\n'],
        ['letters beyond ASCII', '"statement":"SELECT \'Schuß 🧵\'"']
      ] as const

      test.each(rest)("%s run on the fabric's, all else byte for byte", async (_what, members) => {
        await sqlWorkspace.mark()
        const answer = await post(statements, `{${members}}`, sql)
        expect(jsonOf(answer).status).toMatchObject({ state: 'SUCCEEDED' })
        const entry = await sqlWorkspace.until((one) => one.path === statements)
        expect(entry.bodySha256).toBe(sha256(`{"warehouse_id":"${warehouseId}",${members}}`))
      })

      test('a body that is no JSON object is refused by the workspace, not by Weft', async () => {
        for (const body of ['SELECT 1', '[]', '{"statement":"SELECT 1"']) {
          await sqlWorkspace.mark()
          const answer = await post(statements, body, sql)
          expect(problemOf(answer)).toEqual([400, undefined])
          expect(jsonOf(answer)).toMatchObject({ error_code: 'MALFORMED_REQUEST' })
          const entry = await sqlWorkspace.until((one) => one.path === statements)
          expect(entry.bodySha256).toBe(sha256(body))
        }
      })

      test('and a fabric that has none: what the workspace says of it, the body as it is', async () => {
        const body = '{"statement":"SELECT 1"}'
        await world().workspace.mark()
        const answer = await post(statements, body)
        expect(problemOf(answer)).toEqual([400, undefined])
        expect(jsonOf(answer).message).toContain('warehouse_id')
        const entry = await world().workspace.until((one) => one.path === statements)
        expect(entry.bodySha256).toBe(sha256(body))
      })

      test('a fabric whose compute is an HTTP path runs them on the warehouse that this names', async () => {
        const workspaceUrl = world().stack.workspaces[1]
        const httpPath = `/sql/1.0/warehouses/${warehouseId}`
        const { id } = await world().fabric({ kind: 'sql', workspaceUrl, compute: { httpPath } })
        const key = await world().key([{ fabricId: id }])
        const headers = world().headers({ authorization: `Bearer ${key}` })
        const answer = await post(statements, { statement: 'SELECT 1' }, { fabric: id, headers })
        expect(jsonOf(answer).status).toMatchObject({ state: 'SUCCEEDED' })
      })
    })

    test('are polled, read chunk by chunk and cancelled while they run', async () => {
      await sqlWorkspace.setFaults({ statementRunsMs: 150 })
      const begin = async (statement: string) => {
        const answer = await post(statements, { statement, wait_timeout: '0s' }, sql)
        return `${statements}/${jsonOf(answer).statement_id}`
      }
      const stateOf = async (one: string) => jsonOf(await get(one, sql)).status
      const long = await begin('SELECT id FROM range(15000)')
      expect(await stateOf(long)).toEqual({ state: 'RUNNING' })
      await expect.poll(() => stateOf(long)).toEqual({ state: 'SUCCEEDED' })
      const second = await get(`${long}/result/chunks/1?row_offset=10000`, sql)
      expect(jsonOf(second)).toMatchObject({ chunk_index: 1, row_offset: 10_000, row_count: 5_000 })
      expect(problemOf(await get(`${long}/result/chunks/2`, sql))).toEqual([400, undefined])
      const endless = await begin('SELECT id FROM range(2000000)')
      expect(problemOf(await get(`${endless}/result/chunks/0`, sql))).toEqual([404, undefined])
      expect((await post(`${endless}/cancel`, '', sql)).status).toBe(200)
      expect(await stateOf(endless)).toEqual({ state: 'CANCELED' })
      await sqlWorkspace.resetFaults()
    })

    test("that fail are the workspace's own answers", async () => {
      const unknown = { warehouse_id: 'ffffffffffffffff', statement: 'SELECT 1' }
      const answer = await post(statements, unknown, sql)
      expect(problemOf(answer)).toEqual([403, undefined])
      expect(jsonOf(answer)).toMatchObject({ error_code: 'PERMISSION_DENIED' })
    })

    test('E6 400 for an id that is none, and nothing goes upstream', async () => {
      await sqlWorkspace.mark()
      for (const id of ['..', 'a%2fb', '1', '%2e%2e']) {
        expect(problemOf(await get(`${statements}/${id}`, sql))).toEqual([400, 'invalid_request'])
      }
      expect(await sqlWorkspace.seen()).toEqual([])
    })
  })

  describe('Thrift over HTTP', () => {
    test('passes both ways as it is', async () => {
      const headers = world().headers({
        'content-type': 'application/x-thrift',
        accept: 'application/x-thrift'
      })
      await sqlWorkspace.mark()
      const path = `/sql/1.0/warehouses/${warehouseId}`
      const answer = await post(path, openSession, { ...sql, headers })
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/x-thrift'])
      expect(answer.body.subarray(0, 4).toString('hex')).toBe('80010002')
      expect(answer.body.subarray(8, 19).toString()).toBe('OpenSession')
      const entry = await sqlWorkspace.until((one) => one.path === path)
      expect(entry.bodySha256).toBe(sha256(openSession))
    })

    test('E6 goes to a warehouse and nowhere else', async () => {
      await sqlWorkspace.mark()
      for (const id of ['..', 'a%2fb', 'a-b', '%2e%2e']) {
        const answer = await post(`/sql/1.0/warehouses/${id}`, openSession, sql)
        expect(problemOf(answer)).toEqual([400, 'invalid_request'])
      }
      const cluster = await post('/sql/protocolv1/o/1/0731-101500-weft0001', openSession, sql)
      expect(problemOf(cluster)).toEqual([404, 'path_not_allowed'])
      expect(await sqlWorkspace.seen()).toEqual([])
    })
  })
}
