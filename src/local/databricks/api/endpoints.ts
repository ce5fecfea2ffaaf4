import { createHash } from 'node:crypto'
import type { WorkspaceDeps } from './answer.ts'

type Task = 'llm/v1/chat' | 'llm/v1/embeddings' | 'agent/v1/chat' | null

export interface Endpoint {
  readonly name: string
  readonly task: Task
  /** Answers with the caller's userName, whatever is asked. */
  readonly tellsCaller?: boolean
  readonly isQueryable?: boolean
  /** Queried at the data plane's own host, with a token down-scoped to it. */
  readonly isRouteOptimized?: boolean
}

/** What every simulated workspace serves. */
export const endpoints: readonly Endpoint[] = [
  { name: 'databricks-llama', task: 'llm/v1/chat' },
  { name: 'databricks-embed', task: 'llm/v1/embeddings' },
  { name: 'churn-model', task: null },
  { name: 'whoami', task: 'llm/v1/chat', tellsCaller: true },
  { name: 'forbidden-model', task: null, isQueryable: false },
  { name: 'helpdesk-agent', task: 'agent/v1/chat' },
  { name: 'fast-model', task: null, isRouteOptimized: true },
  { name: 'forbidden-fast-model', task: null, isQueryable: false, isRouteOptimized: true }
]

export function findEndpoint(name: string | undefined): Endpoint | undefined {
  return endpoints.find((one) => one.name === name)
}

/** What `authorization_details` call it: by its id, not by its name. */
export function objectPathOf({ name }: Endpoint): string {
  return `/serving-endpoints/${idOf(name)}`
}

export const queryAction = 'query_inference_endpoint'

function authorizationDetails(endpoint: Endpoint): string {
  return JSON.stringify([
    {
      type: 'workspace_permission',
      object_type: 'serving-endpoints',
      object_path: objectPathOf(endpoint),
      actions: [queryAction]
    }
  ])
}

export function describe(endpoint: Endpoint, deps: WorkspaceDeps) {
  const { name, task, isQueryable } = endpoint
  const served = `${name}-1`
  return {
    name,
    id: idOf(name),
    creator: 'admin@acme.test',
    creation_timestamp: 1_750_000_000_000,
    last_updated_timestamp: 1_750_000_000_000,
    ...(task === null ? {} : { task }),
    state: { ready: 'READY', config_update: 'NOT_UPDATING' },
    config: {
      served_entities: [
        {
          name: served,
          entity_name: `main.models.${name.replaceAll('-', '_')}`,
          entity_version: '1',
          workload_size: 'Small',
          scale_to_zero_enabled: true,
          state: { deployment: 'DEPLOYMENT_READY', deployment_state_message: '' }
        }
      ],
      traffic_config: { routes: [{ served_model_name: served, traffic_percentage: 100 }] },
      config_version: 1
    },
    permission_level: isQueryable === false ? 'CAN_VIEW' : 'CAN_QUERY',
    ...routing(endpoint, deps),
    tags: []
  }
}

/** As a list tells it: what the caller may do with it stands in the endpoint itself alone. */
export function summarize(endpoint: Endpoint, deps: WorkspaceDeps) {
  const {
    permission_level: _level,
    data_plane_info: _info,
    ...rest
  } = {
    data_plane_info: undefined,
    ...describe(endpoint, deps)
  }
  return rest
}

function routing(endpoint: Endpoint, { dataPlaneOrigin, workspaceId }: WorkspaceDeps) {
  if (!endpoint.isRouteOptimized) return { route_optimized: false }
  const path = `${workspaceId}/serving-endpoints/${endpoint.name}/invocations`
  const endpointUrl = `${dataPlaneOrigin}/${path}`
  const query = { endpoint_url: endpointUrl, authorization_details: authorizationDetails(endpoint) }
  return {
    route_optimized: true,
    endpoint_url: endpointUrl,
    data_plane_info: { query_info: query }
  }
}

function idOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}
