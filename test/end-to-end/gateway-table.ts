import { beforeAll, describe, expect, test } from 'vitest'
import { dataPlane } from '../../src/providers/databricks/data-plane.ts'
import type { World } from './gateway.test.ts'
import { type Simulator, simulatorAt } from './simulator.ts'
import { openSession } from './thrift-bytes.ts'
import { jsonOf } from './wire.ts'

/** What makes a good call of one row. */
interface Sample {
  readonly query?: string
  readonly body?: unknown
  /** At the seeded SQL fabric; default: at the Spark one. */
  readonly isSql?: boolean
}

const messages = [{ role: 'user', content: 'Hello' }]
const tasks = [{ task_key: 'a', notebook_task: { notebook_path: '/a' } }]
const cluster = '0731-101500-weft0001'
const stoppedCluster = '0731-101500-weft0002'

/** Each row of the one table of what is served, called once as its clients call it. */
export function tableSuite(world: () => World): void {
  let workspaces: { readonly spark: Simulator; readonly sql: Simulator }
  let sqlFabric = ''
  let warehouse = ''

  beforeAll(async () => {
    const { stack, admin, workspace } = world()
    workspaces = { spark: workspace, sql: simulatorAt(stack.workspaces[1]) }
    sqlFabric = stack.fabrics.find(({ kind }) => kind === 'sql')?.id ?? ''
    const path = `/api/v1/fabrics/${sqlFabric}`
    const fabric = await admin.expect<{ compute: { warehouseId: string } }>(200, 'GET', path)
    warehouse = fabric.compute.warehouseId
  })

  const ask = (method: string, path: string, { query, body, isSql }: Sample) => {
    const bytes = Buffer.isBuffer(body) ? body : body === undefined ? '' : JSON.stringify(body)
    return world().ask(query === undefined ? path : `${path}?${query}`, {
      method,
      body: bytes,
      ...(isSql && { fabric: sqlFabric })
    })
  }
  const made = async (path: string, body: unknown, isSql = false) =>
    jsonOf(await ask('POST', path, { body, isSql }))

  const job = async () => (await made('/api/2.2/jobs/create', { name: 'Row', tasks })).job_id
  /** Over at once, as the faults of this suite have it. */
  const run = async () => (await made('/api/2.2/jobs/runs/submit', { tasks })).run_id
  const context = async () => {
    const on = { clusterId: cluster, language: 'python' }
    return { ...on, contextId: (await made('/api/1.2/contexts/create', on)).id }
  }
  const command = async () => {
    const on = await context()
    const { id } = await made('/api/1.2/commands/execute', { ...on, command: 'print(1)' })
    return { clusterId: cluster, contextId: on.contextId, commandId: id }
  }
  const queryOf = (members: object) => new URLSearchParams(Object.entries(members)).toString()

  /** By operation; those that need nothing are not named. */
  const samples: Readonly<Record<string, (path: string) => Sample | Promise<Sample>>> = {
    'serving.invocations': () => ({ body: { messages } }),
    'serving.served_model': () => ({ body: { messages } }),
    'serving.openai': (path) => ({
      body: path.endsWith('embeddings')
        ? { model: 'databricks-embed', input: 'a' }
        : { model: 'databricks-llama', messages, prompt: 'a', input: 'a' }
    }),
    'statement.execute': () => ({ body: { statement: 'SELECT 1' }, isSql: true }),
    'statement.get': () => ({ isSql: true }),
    'statement.chunk': () => ({ isSql: true }),
    'statement.cancel': () => ({ isSql: true }),
    'statement.delete': () => ({ isSql: true }),
    'thrift.call': () => ({ body: openSession, isSql: true }),
    'cluster.get': () => ({ query: `cluster_id=${cluster}` }),
    // Each workspace has one cluster to start.
    'cluster.start': (path) => ({
      body: { cluster_id: stoppedCluster },
      isSql: path.startsWith('/api/2.1/')
    }),
    'cluster.events': () => ({ body: { cluster_id: cluster } }),
    'job.get': async () => ({ query: `job_id=${await job()}` }),
    'job.create': () => ({ body: { name: 'Row', tasks } }),
    'job.update': async () => ({ body: { job_id: await job(), new_settings: { name: 'B' } } }),
    'job.reset': async () => ({ body: { job_id: await job(), new_settings: { tasks } } }),
    'job.run_now': async () => ({ body: { job_id: await job() } }),
    'run.get': async () => ({ query: `run_id=${await run()}` }),
    'run.get_output': async () => ({ query: `run_id=${await run()}` }),
    'run.export': async () => ({ query: `run_id=${await run()}` }),
    'run.submit': () => ({ body: { tasks } }),
    'run.cancel': async () => ({ body: { run_id: await run() } }),
    'run.cancel_all': async () => ({ body: { job_id: await job() } }),
    'run.repair': async () => ({ body: { run_id: await run(), rerun_all_failed_tasks: true } }),
    'run.delete': async () => ({ body: { run_id: await run() } }),
    'context.create': () => ({ body: { clusterId: cluster, language: 'python' } }),
    'context.destroy': async () => ({ body: await context() }),
    'context.status': async () => ({ query: queryOf(await context()) }),
    'command.execute': async () => ({ body: { ...(await context()), command: 'print(1)' } }),
    'command.cancel': async () => ({ body: await command() }),
    'command.status': async () => ({ query: queryOf(await command()) })
  }
  const pathOf = async (pattern: string) => {
    const isOfStatement = pattern.includes('{statement}')
    const body = { statement: 'SELECT 1' }
    const { statement_id: statement } = isOfStatement
      ? await made('/api/2.0/sql/statements', body, true)
      : {}
    const model = 'databricks-llama-1'
    const params = { endpoint: 'databricks-llama', model, statement, chunk: 0, warehouse }
    return Object.entries(params).reduce(
      (path, [name, value]) => path.replace(`{${name}}`, String(value)),
      pattern
    )
  }

  describe('every path that is served', () => {
    test.each(dataPlane.map(({ method, path, operation }) => [method, path, operation] as const))(
      '%s %s (%s) reaches the workspace, and its answer comes back',
      async (...row) => {
        const [method, pattern, operation] = row
        await workspaces.spark.setFaults({ runPendingMs: 0, runRunningMs: 0 })
        const path = await pathOf(pattern)
        const sample = (await samples[operation]?.(path)) ?? {}
        const workspace = sample.isSql ? workspaces.sql : workspaces.spark
        await workspace.mark()
        const answer = await ask(method, path, sample)
        expect(answer.headers['x-weft-problem']).toBeUndefined()
        expect([answer.status, answer.body.length > 1]).toEqual([200, true])
        const entry = await workspace.until((one) => one.path === path)
        expect([entry.method, entry.status]).toEqual([method, 200])
        expect(entry.principal).toMatch(/^[0-9a-f-]{36}$/)
      }
    )
  })
}
