import { createHash } from 'node:crypto'

type Task = 'llm/v1/chat' | 'llm/v1/embeddings' | null

export interface Endpoint {
  readonly name: string
  readonly task: Task
  /** Answers with the caller's userName, whatever is asked. */
  readonly tellsCaller?: boolean
  readonly isQueryable?: boolean
}

/** What every simulated workspace serves. */
export const endpoints: readonly Endpoint[] = [
  { name: 'databricks-llama', task: 'llm/v1/chat' },
  { name: 'databricks-embed', task: 'llm/v1/embeddings' },
  { name: 'churn-model', task: null },
  { name: 'whoami', task: 'llm/v1/chat', tellsCaller: true },
  { name: 'forbidden-model', task: null, isQueryable: false }
]

export function describe({ name, task, isQueryable }: Endpoint) {
  const served = `${name}-1`
  return {
    name,
    id: createHash('sha256').update(name).digest('hex').slice(0, 32),
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
    route_optimized: false,
    tags: []
  }
}
