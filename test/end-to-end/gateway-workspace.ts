import { describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { question } from './tenancy.ts'
import { jsonOf, type Received, sha256 } from './wire.ts'

const statements = '/api/2.0/sql/statements'

function problemOf(answer: Received): [number, unknown] {
  return [answer.status, answer.headers['x-weft-problem']]
}

/** Everything of a workspace that is no model serving, against the real stack. */
export function workspaceSuite(world: () => World): void {
  const get = (path: string, more = {}) => world().ask(path, { method: 'GET', ...more })
  const post = (path: string, body: unknown, more = {}) =>
    world().ask(path, { body: typeof body === 'string' ? body : JSON.stringify(body), ...more })

  /** A key of a service account that is limited to these endpoints. */
  async function limitedTo(endpoints: readonly string[]) {
    const { id } = await world().fabric()
    const authorization = `Bearer ${await world().key([{ fabricId: id, endpoints }])}`
    return { fabric: id, headers: world().headers({ authorization }) }
  }

  describe('SQL statements', () => {
    const warehouseId = async () => {
      const { warehouses } = JSON.parse(
        await (await fetch(`${world().stack.weft}/api/v1/capabilities`)).text()
      )
      return warehouses
    }
    void warehouseId

    test('run, are read again, chunk by chunk, cancelled and closed', async () => {
      const answer = await post(statements, {
        warehouse_id: world().warehouseId,
        statement: 'SELECT 1',
        wait_timeout: '10s'
      })
      expect(answer.status).toBe(200)
      expect(answer.headers['x-weft-identity']).toBe('service_principal')
      const { statement_id: id, status } = jsonOf(answer)
      expect(status).toMatchObject({ state: 'SUCCEEDED' })
      const again = await get(`${statements}/${id}`)
      expect(jsonOf(again)).toMatchObject({ statement_id: id })
      expect((await get(`${statements}/${id}/result/chunks/0`)).status).toBe(200)
      expect(jsonOf(await post(`${statements}/${id}/cancel`, ''))).toEqual({})
      const closed = await world().ask(`${statements}/${id}`, { method: 'DELETE' })
      expect([closed.status, jsonOf(closed)]).toEqual([200, {}])
    })

    test('reach the workspace byte for byte, at either spelling of their path', async () => {
      const body = `{"warehouse_id":"${world().warehouseId}", "statement":"SELECT 9223372036854775807","row_limit":1,"row_limit":2}`
      for (const path of [statements, `${statements}/`]) {
        await world().workspace.mark()
        expect((await post(path, body)).status).toBe(200)
        const entry = await world().workspace.until((one) => one.path.startsWith(statements))
        expect([entry.path, entry.bodySha256]).toEqual([path, sha256(body)])
      }
    })

    test("that fail are the workspace's own answers", async () => {
      const unknown = { warehouse_id: 'ffffffffffffffff', statement: 'SELECT 1' }
      const answer = await post(statements, unknown)
      expect(problemOf(answer)).toEqual([403, undefined])
      expect(jsonOf(answer)).toMatchObject({ error_code: 'PERMISSION_DENIED' })
    })

    test('E6 400 for an id that is none, and nothing goes upstream', async () => {
      await world().workspace.mark()
      for (const id of ['..', 'a%2fb', '1', '%2e%2e']) {
        expect(problemOf(await get(`${statements}/${id}`))).toEqual([400, 'invalid_request'])
      }
      expect(await world().workspace.seen()).toEqual([])
    })
  })

  describe('clusters', () => {
    test.each(['2.0', '2.1'])('of API %s are listed and read', async (version) => {
      const listed = jsonOf(await get(`/api/${version}/clusters/list`))
      const clusters = listed.clusters as { cluster_id: string }[]
      expect(clusters.length).toBeGreaterThan(0)
      const id = clusters[0]?.cluster_id
      const one = await get(`/api/${version}/clusters/get?cluster_id=${id}`)
      expect(jsonOf(one)).toMatchObject({ cluster_id: id })
    })

    test("the workspace's own refusal of a start passes", async () => {
      const answer = await post('/api/2.1/clusters/start', { cluster_id: 'none' })
      expect(problemOf(answer)).toEqual([400, undefined])
      expect(jsonOf(answer)).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
    })

    test.each(['create', 'edit', 'delete', 'permanent-delete', 'resize'])(
      '404 path_not_allowed for %s',
      async (verb) => {
        await world().workspace.mark()
        const answer = await post(`/api/2.1/clusters/${verb}`, { cluster_id: 'a' })
        expect(problemOf(answer)).toEqual([404, 'path_not_allowed'])
        expect(await world().workspace.seen()).toEqual([])
      }
    )
  })

  describe('jobs', () => {
    test.each(['2.1', '2.2'])('of API %s are created, run and read, ids as they are', async (version) => {
      const task = { task_key: 'a', notebook_task: { notebook_path: '/a' } }
      const created = await post(`/api/${version}/jobs/create`, { name: 'Job', tasks: [task] })
      expect(created.status).toBe(200)
      const jobId = /"job_id":\s*(\d+)/.exec(created.body.toString())?.[1]
      expect(jobId).toMatch(/^\d+$/)
      const run = await post(`/api/${version}/jobs/run-now`, `{"job_id":${jobId}}`)
      const runId = /"run_id":\s*(\d+)/.exec(run.body.toString())?.[1]
      const read = await get(`/api/${version}/jobs/runs/get?run_id=${runId}`)
      expect([read.status, read.body.toString().includes(`"run_id":${runId}`)]).toEqual([200, true])
      expect((await get(`/api/${version}/jobs/get?job_id=${jobId}`)).status).toBe(200)
    })

    test('404 path_not_allowed for deleting one and for its permissions', async () => {
      expect(problemOf(await post('/api/2.2/jobs/delete', '{"job_id":1}'))).toEqual([404, 'path_not_allowed'])
      expect(problemOf(await get('/api/2.0/permissions/jobs/1'))).toEqual([404, 'path_not_allowed'])
    })
  })

  describe('who and what there is', () => {
    test('SCIM Me tells whom the token stands for, and nobody else', async () => {
      const me = jsonOf(await get('/api/2.0/preview/scim/v2/Me'))
      expect(me.userName).toMatch(/^[0-9a-f-]{36}$/)
      for (const path of ['Users', 'Groups', 'ServicePrincipals', 'Me/', 'me']) {
        const answer = await get(`/api/2.0/preview/scim/v2/${path}`)
        expect(problemOf(answer)).toEqual([404, 'path_not_allowed'])
      }
    })

    test('serving endpoints are listed and described', async () => {
      const { endpoints } = jsonOf(await get('/api/2.0/serving-endpoints'))
      expect((endpoints as { name: string }[]).map(({ name }) => name)).toContain('whoami')
      expect(jsonOf(await get('/api/2.0/serving-endpoints/whoami'))).toMatchObject({
        name: 'whoami'
      })
      expect((await get('/api/2.0/serving-endpoints/none')).status).toBe(404)
    })

    test('an endpoint can be asked by its served model, and at the path with v1', async () => {
      const model = '/serving-endpoints/databricks-llama/served-models/databricks-llama-1/invocations'
      expect((await post(model, question)).status).toBe(200)
      const body = { ...JSON.parse(question), model: 'databricks-llama' }
      expect((await post('/serving-endpoints/v1/chat/completions', body)).status).toBe(200)
    })

    test('a service account that is limited to endpoints gets these and nothing else', async () => {
      const limited = await limitedTo(['whoami'])
      expect((await post('/serving-endpoints/whoami/invocations', question, limited)).status).toBe(200)
      expect((await get('/api/2.0/serving-endpoints/whoami', limited)).status).toBe(200)
      expect((await get('/api/2.0/preview/scim/v2/Me', limited)).status).toBe(200)
      await world().workspace.mark()
      for (const path of [
        '/api/2.0/serving-endpoints/churn-model',
        '/api/2.0/serving-endpoints',
        '/api/2.1/clusters/list',
        '/api/2.2/jobs/list'
      ]) {
        expect(problemOf(await get(path, limited)), path).toEqual([403, 'endpoint_not_allowed'])
      }
      const sql = { warehouse_id: world().warehouseId, statement: "SELECT ai_query('a', 'b')" }
      expect(problemOf(await post(statements, sql, limited))).toEqual([403, 'endpoint_not_allowed'])
      expect(await world().workspace.seen()).toEqual([])
    })
  })

  describe('F8 what HTTP allows beside a body', () => {
    test('HEAD has the head of GET and no body', async () => {
      const answer = await world().ask('/api/2.1/clusters/list', { method: 'HEAD' })
      expect(answer.body).toHaveLength(0)
      expect(answer.isWhole).toBe(true)
      expect(answer.headers['x-weft-fabric']).toBe(world().seeded)
    })

    test('a client that asks for gzip gets the bytes of the workspace, one that does not gets plain ones', async () => {
      const headers = world().headers({ 'accept-encoding': 'gzip' })
      const packed = await get('/api/2.1/clusters/list', { headers })
      const plain = await get('/api/2.1/clusters/list')
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(packed.status).toBe(200)
      expect(jsonOf(plain)).toHaveProperty('clusters')
    })

    test('Expect: 100-continue is answered before the body, and does not go upstream', async () => {
      const headers = world().headers({ expect: '100-continue' })
      await world().workspace.mark()
      const answer = await post('/serving-endpoints/whoami/invocations', question, { headers })
      expect(answer.status).toBe(200)
      const [entry] = await world().workspace.seen()
      expect(entry?.bodySha256).toBe(sha256(question))
    })
  })
}
