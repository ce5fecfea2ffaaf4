import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestAs } from '../../src/fabrics/test-results.ts'
import { casesOf, denied, type Kind, planted, type Row, runRow, tell } from './failure-table.ts'
import { signIn } from './signing-in.ts'
import { failedAt, summary } from './testing.ts'
import { as, createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
  await world.connect()
  const fabric = await world.fabrics.create(as.lead, world.newFabric({ name: 'For the sign-in' }))
  await signIn(world, as.lead, fabric.id)
})
afterAll(() => world.close())
beforeEach(async () => {
  world.clock.advance(12_000) // so that this one person may test on
  await world.faults(null)
  await world.sql('DELETE FROM fabrics')
})

const warehouse = (more: Record<string, string> = {}) => ({
  input: () => ({
    compute: { warehouseId: world.workspace.compute.runningWarehouseId, ...more }
  })
})
const cluster = (more: Record<string, string> = {}) => ({
  input: () => ({
    kind: 'spark' as const,
    compute: { clusterId: world.workspace.compute.runningClusterId, ...more }
  })
})
const warehousesPath = '/api/2.0/sql/warehouses'
const statementsPath = '/api/2.0/sql/statements'
const clusterPath = '/api/2.1/clusters/get'
const attachPath = '/api/1.2/contexts/create'
const ended = (state: string, more: object = {}) => ({
  statement_id: '01f1c46b-0000-1000-8000-000000000000',
  status: { state, ...more }
})
const failedSql = (message: string, sql_state: string) =>
  ended('FAILED', { error: { error_code: 'BAD_REQUEST', message }, sql_state })
const noScope = {
  error_code: 403,
  message: 'Provided OAuth token does not have required scopes: sql [ReqId: 1]'
}

const step = 'compute'
const missing = { step, told: 'compute_not_found team_admin', action: /that is there/ } as const
const forbidden = { step, told: 'compute_forbidden team_admin', action: /grant/ } as const
const stopped = { step, told: 'compute_stopped team_admin', action: /a test never does/ } as const
const away = { step, told: 'upstream_unavailable upstream', action: /Test again/ } as const
const late = { step, told: 'upstream_timeout upstream', action: /Test again/ } as const
const unscoped = { step, told: 'scope_missing tenant_admin', action: /scope/ } as const

const rows: readonly Row[] = [
  {
    ...missing,
    name: 'no such warehouse',
    ...warehouse({ warehouseId: 'ffffffffffffffff' }),
    detail: /^The warehouse is not there/
  },
  {
    ...missing,
    name: 'a warehouse that was deleted',
    faults: planted(warehousesPath, 200, { state: 'DELETED' })
  },
  {
    ...forbidden,
    name: 'a warehouse that is not to be seen',
    faults: planted(warehousesPath, 403, denied),
    detail: /^The warehouse is not for this identity to use/
  },
  {
    ...forbidden,
    name: 'a warehouse that is to be seen and not to be used',
    faults: planted(statementsPath, 403, denied)
  },
  {
    ...stopped,
    name: 'a warehouse that stays stopped',
    faults: planted(warehousesPath, 200, { state: 'STOPPED', auto_resume: false }),
    detail: /^The warehouse does not run/
  },
  {
    ...unscoped,
    name: 'the scope for SQL is missing',
    faults: planted(statementsPath, 403, noScope)
  },
  {
    ...late,
    name: 'SELECT 1 does not end on a warehouse that runs',
    faults: planted(statementsPath, 200, ended('CANCELED')),
    detail: /SELECT 1 did not end within 30 s/
  },
  {
    ...away,
    name: 'SELECT 1 fails',
    faults: planted(statementsPath, 200, failedSql('[INTERNAL_ERROR] secret words', 'XX000')),
    detail: /^The statement failed \(SQLSTATE XX000\)$/
  },
  { ...away, name: 'statements are throttled', faults: planted(statementsPath, 429, {}) },
  {
    name: 'a page answers in place of statements',
    step,
    told: 'workspace_unreachable upstream',
    faults: planted(statementsPath, 200, '<html>', 'text/html'),
    action: /workspace's own address/
  },
  {
    ...missing,
    name: 'a catalog that is not there',
    ...warehouse({ catalog: 'nowhere', schema: 'default' }),
    detail: /^The catalog nowhere is not there/
  },
  {
    ...forbidden,
    name: 'a catalog that is not for the identity',
    ...warehouse({ catalog: 'restricted' }),
    detail: /^The catalog restricted is not for this identity/
  },
  {
    ...missing,
    name: 'a schema that is not there',
    ...warehouse({ catalog: 'main', schema: 'no`where' }),
    detail: /^The schema main\.no`where is not there/
  },
  {
    ...missing,
    name: 'a schema of the default catalog that is not there',
    ...warehouse({ schema: 'nowhere' }),
    detail: /^The schema nowhere is not there/
  },
  {
    ...missing,
    name: 'no such cluster',
    ...cluster({ clusterId: '0000-000000-nowhere1' }),
    detail: /^The cluster is not there/
  },
  {
    ...stopped,
    name: 'a terminated cluster',
    input: () => ({
      kind: 'spark',
      compute: { clusterId: world.workspace.compute.terminatedClusterId }
    })
  },
  {
    ...forbidden,
    name: 'a cluster that is not to be seen',
    ...cluster(),
    faults: planted(clusterPath, 403, denied)
  },
  {
    ...forbidden,
    name: 'a cluster that is not to be attached to',
    ...cluster(),
    faults: planted(attachPath, 403, denied),
    detail: /^The cluster is not for this identity to use/
  },
  {
    ...forbidden,
    name: 'another person’s cluster',
    ...cluster(),
    faults: planted(attachPath, 400, {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: 'Single-user check failed: user a attempted to run a command on the cluster of b'
    })
  },
  {
    ...stopped,
    name: 'a cluster that ends while it is attached to',
    ...cluster(),
    faults: planted(attachPath, 500, { error: 'ClusterNotReadyException: Cluster not running' })
  },
  {
    ...away,
    name: 'a cluster with all its contexts taken',
    ...cluster(),
    faults: planted(attachPath, 500, { error: 'ContextLimitExceeded: Too many contexts' }),
    detail: /no execution context left/
  },
  {
    ...away,
    name: 'a context that does not start',
    ...cluster(),
    faults: planted('/api/1.2/contexts/status', 200, { id: '1', status: 'Error' })
  }
]

describe('what goes wrong with what a fabric is for', () => {
  test.each(casesOf(rows))('%s: %s, as %s', async (_step, _name, who, row) => {
    await runRow(world, row, who)
  })
})

const everyWay = (['user', 'service_principal'] as const).flatMap((who) =>
  (['saved', 'unsaved'] as const).map((kind): [TestAs, Kind] => [who, kind])
)
const well = failedAt('compute', 'passed')

describe.each(everyWay)('compute that is well, as %s, %s', (who, kind) => {
  const run = (row: Pick<Row, 'input'>) => tell(world, kind, who, row.input?.() ?? {})

  test('a warehouse that runs: SELECT 1, then catalog and schema', async () => {
    const { result, progress } = await run(warehouse({ catalog: 'main', schema: 'sales' }))
    expect(summary(result)).toEqual(well)
    expect(result.steps.at(-1)?.note).toBeUndefined()
    expect(progress.map(({ detail }) => detail)).toEqual([
      'Running SELECT 1',
      'Looking at the catalog main',
      'Looking at the schema main.sales'
    ])
  })

  test('a cluster that runs: attached to, and left as it was', async () => {
    const { result, progress } = await run(cluster())
    expect(summary(result)).toEqual(well)
    expect(progress.map(({ detail }) => detail)).toEqual(['Attaching to the cluster'])
    const paths = (await world.log()).map(({ path }) => path)
    const count = (end: string) =>
      paths.filter((path) => path === `/api/1.2/contexts/${end}`).length
    expect(count('create')).toBeGreaterThan(0)
  })
})

describe('compute that does not run', () => {
  const note = (told: Awaited<ReturnType<typeof tell>>) => told.result.steps.at(-1)?.note
  const run = (row: Pick<Row, 'input'>) => tell(world, 'saved', 'user', row.input?.() ?? {})

  test('a stopped warehouse is well, and it is told that its first statement starts it', async () => {
    const told = await run({
      input: () => ({ compute: { warehouseId: world.workspace.compute.stoppedWarehouseId } })
    })
    expect(summary(told.result)).toEqual(well)
    expect(note(told)).toEqual({
      code: 'compute_stopped',
      detail: 'The warehouse did not run; its first statement started it'
    })
    expect(told.progress[0]?.detail).toBe('The warehouse does not run; SELECT 1 starts it')
  })

  test('a warehouse that is still starting is well, and it is told that nothing more was tried', async () => {
    await world.faults(planted(warehousesPath, 200, { state: 'STARTING' }))
    const told = await run(warehouse())
    expect(note(told)?.detail).toMatch(/started it$/)
  })

  test('a cluster that is being started is well, and not attached to', async () => {
    await world.faults(planted(clusterPath, 200, { state: 'PENDING' }))
    const told = await run(cluster())
    expect(told.result.ok).toBe(true)
    expect(note(told)).toMatchObject({ code: 'compute_stopped' })
    expect(note(told)?.detail).toMatch(/being started \(PENDING\); attaching to it was not tried/)
  })

  test('no test starts a cluster, and each ends the context that it made', async () => {
    const paths = (await world.log()).map(({ path }) => path.split('?')[0])
    expect(paths.filter((path) => path?.includes('/clusters/start'))).toEqual([])
    const count = (verb: string) => paths.filter((path) => path === `/api/1.2/contexts/${verb}`)
    expect(count('create').length).toBeGreaterThan(0)
    expect(count('destroy').length).toBeGreaterThan(0)
  })
})
