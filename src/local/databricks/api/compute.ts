import { failure, invalidParameter, ok, type Route, type WorkspaceDeps } from './answer.ts'

type WarehouseState = 'STARTING' | 'RUNNING' | 'STOPPED'

export interface Warehouse {
  readonly id: string
  readonly name: string
  state: WarehouseState
}

interface Cluster {
  readonly id: string
  readonly name: string
  state: 'PENDING' | 'RUNNING' | 'TERMINATED'
}

/** The compute of a workspace; ids have the shapes of real ones and end alike in every workspace. */
export function createCompute(deps: WorkspaceDeps) {
  const prefix = Number(deps.workspaceId.slice(-4)).toString(16).padStart(4, '0')
  const warehouses: Warehouse[] = [
    { id: `${prefix}a1b2c3d4e5f6`, name: 'Starter Warehouse', state: 'RUNNING' },
    { id: `${prefix}0f1e2d3c4b5a`, name: 'Nightly Warehouse', state: 'STOPPED' }
  ]
  const clusters: Cluster[] = [
    { id: '0731-101500-weft0001', name: 'Shared Cluster', state: 'RUNNING' },
    { id: '0731-101500-weft0002', name: 'Idle Cluster', state: 'TERMINATED' }
  ]
  const host = new URL(deps.origin).host
  const warehouse = (id: string) => warehouses.find((one) => one.id === id)
  return {
    warehouses,
    clusters,
    warehouse,
    routes: () => [...warehouseRoutes(), ...clusterRoutes()]
  }

  function warehouseRoutes(): Route[] {
    const describe = (one: Warehouse) => describeWarehouse(one, host)
    return [
      {
        method: 'GET',
        pattern: /^\/api\/2\.0\/sql\/warehouses$/,
        scope: 'sql',
        handle: () => ok({ warehouses: warehouses.map(describe) })
      },
      {
        method: 'GET',
        pattern: /^\/api\/2\.0\/sql\/warehouses\/(?<id>[^/]+)$/,
        scope: 'sql',
        handle: (call) => {
          const found = warehouse(call.params.id ?? '')
          if (found) return ok(describe(found))
          const message = `SQL warehouse ${call.params.id} does not exist.`
          return failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', message)
        }
      }
    ]
  }

  function clusterRoutes(): Route[] {
    const find = (id: string | undefined) => clusters.find((one) => one.id === id)
    return [
      {
        method: 'GET',
        pattern: /^\/api\/2\.[01]\/clusters\/list$/,
        scope: 'clusters',
        handle: () => ok({ clusters: clusters.map(describeCluster) })
      },
      {
        method: 'GET',
        pattern: /^\/api\/2\.[01]\/clusters\/get$/,
        scope: 'clusters',
        handle: (call) => {
          const id = call.query.get('cluster_id') ?? ''
          const found = find(id)
          return found
            ? ok(describeCluster(found))
            : invalidParameter(call, `Cluster ${id} does not exist`)
        }
      },
      {
        method: 'POST',
        pattern: /^\/api\/2\.[01]\/clusters\/start$/,
        scope: 'clusters',
        handle: (call) => {
          const id = String(JSON.parse(call.body.toString() || '{}').cluster_id)
          const found = find(id)
          if (!found) return invalidParameter(call, `Cluster ${id} does not exist`)
          if (found.state !== 'TERMINATED') {
            const message = `Cluster ${id} is in unexpected state ${found.state}.`
            return failure(call, 400, 'INVALID_STATE', message)
          }
          found.state = 'RUNNING'
          return ok({})
        }
      }
    ]
  }
}

function describeWarehouse({ id, name, state }: Warehouse, host: string) {
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

function describeCluster({ id, name, state }: Cluster) {
  return {
    cluster_id: id,
    cluster_name: name,
    spark_version: '17.3.x-scala2.13',
    node_type_id: 'i3.xlarge',
    driver_node_type_id: 'i3.xlarge',
    num_workers: 2,
    autotermination_minutes: 60,
    state,
    state_message: '',
    cluster_source: 'UI',
    creator_user_name: 'admin@acme.test',
    data_security_mode: 'USER_ISOLATION',
    runtime_engine: 'PHOTON',
    ...(state === 'TERMINATED'
      ? { termination_reason: { code: 'INACTIVITY', type: 'SUCCESS', parameters: {} } }
      : {})
  }
}
