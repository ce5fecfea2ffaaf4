import {
  failure,
  invalidParameter,
  ok,
  type Route,
  type WorkspaceDeps,
  withBody
} from './answer.ts'
import { tokenPageOf } from './page.ts'
import { createWarehouses, warehouseRoutes } from './warehouses.ts'

export interface Cluster {
  readonly id: string
  readonly name: string
  state: 'PENDING' | 'RUNNING' | 'TERMINATED'
}

/** The compute of a workspace; ids have the shapes of real ones and end alike in every workspace. */
export function createCompute(deps: WorkspaceDeps) {
  const warehouses = createWarehouses(deps)
  const clusters: Cluster[] = [
    { id: '0731-101500-weft0001', name: 'Shared Cluster', state: 'RUNNING' },
    { id: '0731-101500-weft0002', name: 'Idle Cluster', state: 'TERMINATED' }
  ]
  const find = (id: unknown) => clusters.find((one) => one.id === id)
  return {
    warehouses,
    clusters,
    cluster: find,
    routes: () => [...warehouseRoutes(deps, warehouses), ...clusterRoutes()]
  }

  function clusterRoutes(): Route[] {
    return [
      {
        method: 'GET',
        pattern: /^\/api\/2\.[01]\/clusters\/list$/,
        scope: 'clusters',
        handle: ({ query }) => {
          const more = Array.from({ length: deps.faults.current.moreResources }, (_, at) => ({
            id: `0801-${String(at + 1).padStart(6, '0')}-weft0003`,
            name: `Cluster ${at + 1}`,
            state: 'TERMINATED' as const
          }))
          const all = [...clusters, ...more].map(describeCluster)
          return ok(tokenPageOf('clusters', all, query, { sizeDefault: 20, sizeMax: 100 }))
        }
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
      ...Object.entries(catalogues).map(([verb, value]) => ({
        method: 'GET',
        pattern: new RegExp(`^/api/2\\.[01]/clusters/${verb}$`),
        scope: 'clusters',
        handle: () => ok(value)
      })),
      {
        method: 'POST',
        pattern: /^\/api\/2\.[01]\/clusters\/events$/,
        scope: 'clusters',
        handle: withBody((call, { cluster_id: id }) => {
          const found = find(id)
          if (!found) return invalidParameter(call, `Cluster ${id} does not exist`)
          const event = { cluster_id: id, timestamp: 1_750_000_000_000, type: 'CREATING' }
          return ok({ events: [{ ...event, details: {} }], total_count: 1 })
        })
      },
      {
        method: 'POST',
        pattern: /^\/api\/2\.[01]\/clusters\/start$/,
        scope: 'clusters',
        handle: withBody((call, { cluster_id: id }) => {
          const found = find(id)
          if (!found) return invalidParameter(call, `Cluster ${id} does not exist`)
          if (found.state !== 'TERMINATED') {
            const message = `Cluster ${id} is in unexpected state ${found.state}.`
            return failure(call, 400, 'INVALID_STATE', message)
          }
          found.state = 'RUNNING'
          return ok({})
        })
      },
      {
        method: 'POST',
        pattern: /^\/api\/2\.[01]\/clusters\/delete$/,
        scope: 'clusters',
        handle: withBody((call, { cluster_id: id }) => {
          const found = find(id)
          if (!found) return invalidParameter(call, `Cluster ${id} does not exist`)
          found.state = 'TERMINATED'
          return ok({})
        })
      }
    ]
  }
}

/** What clusters can be made of, by the verb that lists it. */
const catalogues = {
  'spark-versions': {
    versions: [{ key: '17.3.x-scala2.13', name: '17.3 LTS (includes Apache Spark 4.0.0)' }]
  },
  'list-node-types': {
    node_types: [{ node_type_id: 'i3.xlarge', memory_mb: 31_232, num_cores: 4 }]
  },
  'list-zones': { zones: ['us-east-2a', 'us-east-2b'], default_zone: 'us-east-2a' }
} as const

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
