import { type Answer, type Call, failure, ok, type Route, type WorkspaceDeps } from './answer.ts'
import { tokenPageOf } from './page.ts'

type WarehouseState = 'STARTING' | 'RUNNING' | 'STOPPED'

export interface Warehouse {
  readonly id: string
  readonly name: string
  readonly state: WarehouseState
  /** Starts it where it is stopped; returns how long it is until it runs, in milliseconds. */
  wake(): number
  stop(): void
}

export interface Warehouses {
  readonly all: readonly Warehouse[]
  find(id: string): Warehouse | undefined
}

/** One that runs and one that is stopped; a start takes as long as the fault `coldStartMs` says. */
export function createWarehouses(deps: WorkspaceDeps): Warehouses {
  const prefix = Number(deps.workspaceId.slice(-4)).toString(16).padStart(4, '0')
  const all = [
    createWarehouse(deps, `${prefix}a1b2c3d4e5f6`, 'Starter Warehouse', 0),
    createWarehouse(deps, `${prefix}0f1e2d3c4b5a`, 'Nightly Warehouse', null)
  ]
  return { all, find: (id) => all.find((one) => one.id === id) }
}

/** @param readyAtMs on the monotonic clock; null while it is stopped */
function createWarehouse(
  { clock, faults }: WorkspaceDeps,
  id: string,
  name: string,
  readyAtMs: number | null
): Warehouse {
  return {
    id,
    name,
    get state() {
      if (readyAtMs === null) return 'STOPPED'
      return clock.monotonicMs() < readyAtMs ? 'STARTING' : 'RUNNING'
    },
    wake() {
      const nowMs = clock.monotonicMs()
      readyAtMs ??= nowMs + faults.current.coldStartMs
      return Math.max(0, readyAtMs - nowMs)
    },
    stop() {
      readyAtMs = null
    }
  }
}

export function warehouseRoutes(deps: WorkspaceDeps, warehouses: Warehouses): Route[] {
  const { host } = new URL(deps.origin)
  const route = (method: string, end: string, handle: Route['handle']): Route => {
    return {
      method,
      pattern: new RegExp(`^/api/2\\.0/sql/warehouses${end}$`),
      scope: 'sql',
      handle
    }
  }
  const withWarehouse = (then: (one: Warehouse) => Answer) => (call: Call) => {
    const found = warehouses.find(call.params.id ?? '')
    if (found) return then(found)
    const message = `SQL warehouse ${call.params.id} does not exist.`
    return failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', message)
  }
  const list = ({ query }: Call) => {
    const more = Array.from({ length: deps.faults.current.moreResources }, (_, at) => ({
      id: `e${(at + 1).toString(16).padStart(15, '0')}`,
      name: `Warehouse ${at + 1}`,
      state: 'STOPPED' as const
    }))
    const all = [...warehouses.all, ...more].map((one) => describe(one, host))
    return ok(tokenPageOf('warehouses', all, query, { sizeDefault: all.length, sizeMax: 1_000 }))
  }
  return [
    route('GET', '', list),
    route(
      'GET',
      '/(?<id>[^/]+)',
      withWarehouse((one) => ok(describe(one, host)))
    ),
    route(
      'POST',
      '/(?<id>[^/]+)/start',
      withWarehouse((one) => {
        one.wake()
        return ok({})
      })
    ),
    route(
      'POST',
      '/(?<id>[^/]+)/stop',
      withWarehouse((one) => {
        one.stop()
        return ok({})
      })
    )
  ]
}

function describe({ id, name, state }: Pick<Warehouse, 'id' | 'name' | 'state'>, host: string) {
  const [hostname, port] = host.split(':')
  const path = `/sql/1.0/warehouses/${id}`
  return {
    id,
    name,
    cluster_size: '2X-Small',
    min_num_clusters: 1,
    max_num_clusters: 1,
    num_clusters: state === 'RUNNING' ? 1 : 0,
    num_active_sessions: 0,
    auto_stop_mins: 10,
    auto_resume: true,
    creator_name: 'admin@acme.test',
    state,
    health: { status: 'HEALTHY' },
    jdbc_url: `jdbc:spark://${host}/default;transportMode=http;ssl=1;AuthMech=3;httpPath=${path};`,
    odbc_params: { hostname, path, port: Number(port), protocol: 'https' },
    tags: { custom_tags: [] },
    spot_instance_policy: 'COST_OPTIMIZED',
    enable_photon: true,
    enable_serverless_compute: true,
    warehouse_type: 'PRO',
    channel: { name: 'CHANNEL_NAME_CURRENT' }
  }
}
