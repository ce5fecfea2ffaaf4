import { describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { question } from './tenancy.ts'
import { jsonOf, type Received, sha256 } from './wire.ts'

const statements = '/api/2.0/sql/statements'

function problemOf(answer: Received): [number, unknown] {
  return [answer.status, answer.headers['x-weft-problem']]
}

/** Compute, jobs and discovery, against the real stack. */
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

  describe('contexts and commands', () => {
    test('open on a cluster, run and are read again, ids as they are', async () => {
      const { clusters } = jsonOf(await get('/api/2.1/clusters/list'))
      const running = (clusters as { cluster_id: string; state: string }[]).find(
        ({ state }) => state === 'RUNNING'
      )
      const on = { clusterId: running?.cluster_id, language: 'python' }
      const { id: contextId } = jsonOf(await post('/api/1.2/contexts/create', on))
      const query = `clusterId=${on.clusterId}&contextId=${contextId}`
      const context = await get(`/api/1.2/contexts/status?${query}`)
      expect(jsonOf(context)).toMatchObject({ id: contextId })
      const command = { ...on, contextId, command: 'print(1)' }
      const { id } = jsonOf(await post('/api/1.2/commands/execute', command))
      const status = await get(`/api/1.2/commands/status?${query}&commandId=${id}`)
      expect(jsonOf(status)).toMatchObject({ id })
      const ended = await post('/api/1.2/contexts/destroy', { ...on, contextId })
      expect(ended.status).toBe(200)
    })

    test('404 path_not_allowed for another verb and another version', async () => {
      for (const path of [
        '/api/1.2/contexts/list',
        '/api/1.2/libraries/list',
        '/api/2.0/commands/execute'
      ]) {
        expect(problemOf(await post(path, '{}')), path).toEqual([404, 'path_not_allowed'])
      }
    })
  })

  describe('jobs', () => {
    test.each(['2.1', '2.2'])(
      'of API %s are created, run and read, ids as they are',
      async (version) => {
        const task = { task_key: 'a', notebook_task: { notebook_path: '/a' } }
        const created = await post(`/api/${version}/jobs/create`, { name: 'Job', tasks: [task] })
        expect(created.status).toBe(200)
        const jobId = /"job_id":\s*(\d+)/.exec(created.body.toString())?.[1]
        expect(jobId).toMatch(/^\d+$/)
        const run = await post(`/api/${version}/jobs/run-now`, `{"job_id":${jobId}}`)
        const runId = /"run_id":\s*(\d+)/.exec(run.body.toString())?.[1]
        const read = await get(`/api/${version}/jobs/runs/get?run_id=${runId}`)
        expect([read.status, read.body.toString().includes(`"run_id":${runId}`)]).toEqual([
          200,
          true
        ])
        expect((await get(`/api/${version}/jobs/get?job_id=${jobId}`)).status).toBe(200)
      }
    )

    test('404 path_not_allowed for deleting one and for its permissions', async () => {
      expect(problemOf(await post('/api/2.2/jobs/delete', '{"job_id":1}'))).toEqual([
        404,
        'path_not_allowed'
      ])
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
      const model =
        '/serving-endpoints/databricks-llama/served-models/databricks-llama-1/invocations'
      expect((await post(model, question)).status).toBe(200)
      const body = { ...JSON.parse(question), model: 'databricks-llama' }
      expect((await post('/serving-endpoints/v1/chat/completions', body)).status).toBe(200)
    })

    test('a service account that is limited to endpoints gets these and nothing else', async () => {
      const limited = await limitedTo(['whoami'])
      expect((await post('/serving-endpoints/whoami/invocations', question, limited)).status).toBe(
        200
      )
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
      const asking = { warehouse_id: '0', statement: "SELECT ai_query('a', 'b')" }
      expect(problemOf(await post(statements, asking, limited))).toEqual([
        403,
        'endpoint_not_allowed'
      ])
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
