import { beforeAll, describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { type Simulator, simulatorAt } from './simulator.ts'
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
    /** `OpenSession` in the strict binary protocol, with an empty request. */
    const openSession = Buffer.concat([
      Buffer.from('800100010000000b', 'hex'),
      Buffer.from('OpenSession'),
      Buffer.from('000000010c00010000', 'hex')
    ])

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
