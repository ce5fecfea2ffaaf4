import { ApiError, type sql, WorkspaceClient } from '@databricks/sdk-experimental'
import { describe, expect, test } from 'vitest'
import { failureOf, messages, misspelt, question, type World } from './clients-world.ts'

export function sdkSuite(world: () => World): void {
  const clientOf = (host: string, clientSecret = world().stack.serviceKey) =>
    new WorkspaceClient({
      host,
      clientId: world().stack.serviceAccountId,
      clientSecret,
      authType: 'oauth-m2m'
    })

  describe('@databricks/sdk-experimental with a service account’s id and key, at a fabric host', () => {
    test('logs in by itself and learns that it is the service principal', async () => {
      const me = await clientOf(world().stack.fabricHost).currentUser.me()
      expect(me.userName).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('takes a service key for a token of the workspace’s', async () => {
      const { fabricHost: host, serviceKey: token } = world().stack
      const me = await new WorkspaceClient({ host, token, authType: 'pat' }).currentUser.me()
      expect(me.userName).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('lists endpoints, reads one and queries it', async () => {
      const { fabricHost, endpoint } = world().stack
      const { servingEndpoints } = clientOf(fabricHost)
      const names: (string | undefined)[] = []
      for await (const { name } of servingEndpoints.list()) names.push(name)
      expect(names).toContain(endpoint)
      expect((await servingEndpoints.get({ name: endpoint })).name).toBe(endpoint)
      const answer = await servingEndpoints.query({
        name: endpoint,
        messages: messages.map(({ content }) => ({ role: 'user', content }))
      })
      expect(answer.choices?.[0]?.message?.content).toContain(question)
    })

    test('lists clusters, reads one and runs a command there', async () => {
      const { clusters, commandExecution } = clientOf(world().stack.fabricHost)
      const ids: string[] = []
      for await (const { cluster_id: id, state } of clusters.list({})) {
        if (id !== undefined && state === 'RUNNING') ids.push(id)
      }
      const [clusterId = ''] = ids
      expect((await clusters.get({ cluster_id: clusterId })).state).toBe('RUNNING')
      const created = await commandExecution.create({ clusterId, language: 'python' })
      const { id: contextId = '' } = await created.wait()
      const command = "print('woven')"
      const sent = { clusterId, contextId, language: 'python' as const, command }
      const { status, results } = await (await commandExecution.execute(sent)).wait()
      expect([status, results?.data]).toEqual(['Finished', 'woven'])
      await commandExecution.destroy({ clusterId, contextId })
    })

    test('creates a job, runs it and waits for its end', async () => {
      const { jobs } = clientOf(world().stack.fabricHost)
      const tasks = [{ task_key: 'a', notebook_task: { notebook_path: '/a' } }]
      const { job_id: jobId } = await jobs.create({ name: 'Job', tasks })
      const run = await (await jobs.runNow({ job_id: Number(jobId) })).wait()
      expect(run.state).toMatchObject({ life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' })
    })
  })

  describe('@databricks/sdk-experimental and SQL statements', () => {
    const statements = () => clientOf(world().sql.host).statementExecution
    const atOnce = () => ({ warehouse_id: world().sql.warehouseId, wait_timeout: '0s' })

    test('runs one on the warehouse that it names, and reads its rows', async () => {
      const answer = await statements().executeStatement({
        statement: 'SELECT 1',
        warehouse_id: world().sql.warehouseId,
        wait_timeout: '30s'
      })
      expect(answer.status?.state).toBe('SUCCEEDED')
      expect(answer.result?.data_array).toEqual([['1']])
    })

    test('runs one on the fabric’s warehouse when it names none', async () => {
      const request = { statement: 'SELECT current_user()' }
      // Its types want a warehouse, its code does not.
      const answer = await statements().executeStatement(request as sql.ExecuteStatementRequest)
      expect(answer.status?.state).toBe('SUCCEEDED')
      expect(answer.result?.data_array?.[0]?.[0]).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('asks until it is done, and reads it chunk by chunk', async () => {
      await world().sql.workspace.setFaults({ statementRunsMs: 200 })
      const statement = 'SELECT id FROM range(25000)'
      const begun = await statements().executeStatement({ statement, ...atOnce() })
      expect(begun.status?.state).toBe('PENDING')
      const id = begun.statement_id ?? ''
      const poll = () => statements().getStatement({ statement_id: id })
      await expect.poll(async () => (await poll()).status?.state).toBe('SUCCEEDED')
      const { manifest } = await poll()
      expect(manifest?.total_chunk_count).toBe(3)
      const rows: string[] = []
      for (const { chunk_index: index = 0 } of manifest?.chunks ?? []) {
        const asked = { statement_id: id, chunk_index: index }
        const { data_array: data } = await statements().getStatementResultChunkN(asked)
        rows.push(...(data ?? []).flat())
      }
      expect([rows.length, rows[0], rows.at(-1)]).toEqual([25_000, '0', '24999'])
    })

    test('cancels one that would never end', async () => {
      const statement = 'SELECT id FROM range(1000000000)'
      const begun = await statements().executeStatement({ statement, ...atOnce() })
      const id = begun.statement_id ?? ''
      const state = async () =>
        (await statements().getStatement({ statement_id: id })).status?.state
      expect(await state()).toBe('RUNNING')
      await statements().cancelExecution({ statement_id: id })
      expect(await state()).toBe('CANCELED')
    })
  })

  describe('@databricks/sdk-experimental reads a problem of Weft’s as an error of the workspace', () => {
    test('no login at the host of a fabric that is not its own, in the same words as of none', async () => {
      const { id } = await world().fabric({ name: 'Not for it' })
      const path = `/api/v1/fabrics/${id}`
      const { slug } = await world().admin.expect<{ slug: string }>(200, 'GET', path)
      for (const name of [slug, 'no-such-fabric']) {
        const host = world().stack.fabricHost.replace('//spark--', `//${name}--`)
        const error = await failureOf(clientOf(host).currentUser.me())
        expect(String(error)).toContain('The service account may reach no such fabric')
        const { serviceKey: token } = world().stack
        const byKey = new WorkspaceClient({ host, token, authType: 'pat' })
        const refusal = await failureOf(byKey.currentUser.me())
        expect(refusal).toBeInstanceOf(ApiError)
        expect(refusal).toMatchObject({ errorCode: 'not_found', statusCode: 404 })
      }
    })

    test('I1 a key that is not right, which shows in no log', async () => {
      const wrong = misspelt(world().stack.serviceKey)
      const error = await failureOf(clientOf(world().stack.fabricHost, wrong).currentUser.me())
      expect(String(error)).toContain('Client authentication failed')
      expect(world().stack.log()).toContain('service_token.issue')
      expect(world().stack.log()).not.toContain(wrong)
    })

    test('a host of another tenant', async () => {
      const host = world().stack.fabricHost.replace('--acme', '--globex')
      const error = await failureOf(clientOf(host).currentUser.me())
      expect(String(error)).toContain('Client authentication failed')
    })
  })
}
