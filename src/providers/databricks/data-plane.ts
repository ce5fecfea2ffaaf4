import type { DataPlaneKind, DataPlanePath } from '../provider.ts'
import { servingEndpointNamePattern } from './calls.ts'

/** What may stand in the place of each parameter; none can hold a dot segment, an escape or a separator. */
export const pathParameters: Readonly<Record<string, string>> = {
  endpoint: servingEndpointNamePattern,
  model: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$',
  statement: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  chunk: '^[0-9]{1,9}$',
  warehouse: '^[A-Za-z0-9]{1,64}$'
}

const statements = '/api/2.0/sql/statements'

/**
 * Everything of a workspace that is served through a fabric, and nothing else. Compute can be read and
 * started; nothing here creates or deletes compute, hands out permissions or credentials, or reads secrets.
 */
export const dataPlane: readonly DataPlanePath[] = [
  {
    ...long('serving.invocations', 'serving', '/serving-endpoints/{endpoint}/invocations'),
    isRoutable: true
  },
  long(
    'serving.served_model',
    'serving',
    '/serving-endpoints/{endpoint}/served-models/{model}/invocations'
  ),
  ...['chat/completions', 'completions', 'embeddings', 'responses'].flatMap((end) => [
    long('serving.openai', 'openai', `/serving-endpoints/${end}`),
    long('serving.openai', 'openai', `/serving-endpoints/v1/${end}`)
  ]),
  discover('endpoint.list', 'workspace', '/api/2.0/serving-endpoints'),
  discover('endpoint.get', 'serving', '/api/2.0/serving-endpoints/{endpoint}'),

  long('statement.execute', 'statement', statements),
  long('statement.execute', 'statement', `${statements}/`),
  read('statement.get', 'workspace', `${statements}/{statement}`),
  read('statement.chunk', 'workspace', `${statements}/{statement}/result/chunks/{chunk}`),
  write('statement.cancel', `${statements}/{statement}/cancel`),
  { ...write('statement.delete', `${statements}/{statement}`), method: 'DELETE' },
  long('thrift.call', 'workspace', '/sql/1.0/warehouses/{warehouse}'),

  ...['2.0', '2.1'].flatMap((version) => [
    ...['get', 'list', 'list-node-types', 'list-zones', 'spark-versions'].map((verb) =>
      discover(`cluster.${wordOf(verb)}`, 'workspace', `/api/${version}/clusters/${verb}`)
    ),
    write('cluster.start', `/api/${version}/clusters/start`),
    write('cluster.events', `/api/${version}/clusters/events`)
  ]),

  ...['2.1', '2.2'].flatMap((version) => [
    ...['get', 'list'].map((verb) =>
      discover(`job.${verb}`, 'workspace', `/api/${version}/jobs/${verb}`)
    ),
    ...['create', 'update', 'reset', 'run-now'].map((verb) =>
      write(`job.${wordOf(verb)}`, `/api/${version}/jobs/${verb}`)
    ),
    ...['get', 'list'].map((verb) =>
      discover(`run.${verb}`, 'workspace', `/api/${version}/jobs/runs/${verb}`)
    ),
    ...['get-output', 'export'].map((verb) =>
      read(`run.${wordOf(verb)}`, 'workspace', `/api/${version}/jobs/runs/${verb}`)
    ),
    ...['submit', 'cancel', 'cancel-all', 'repair', 'delete'].map((verb) =>
      write(`run.${wordOf(verb)}`, `/api/${version}/jobs/runs/${verb}`)
    )
  ]),

  write('context.create', '/api/1.2/contexts/create'),
  write('context.destroy', '/api/1.2/contexts/destroy'),
  read('context.status', 'workspace', '/api/1.2/contexts/status'),
  write('command.execute', '/api/1.2/commands/execute'),
  write('command.cancel', '/api/1.2/commands/cancel'),
  read('command.status', 'workspace', '/api/1.2/commands/status'),

  discover('identity.me', 'identity', '/api/2.0/preview/scim/v2/Me')
]

/** Work that may think for minutes before it answers, with a body as large as the door lets in. */
function long(operation: string, kind: DataPlaneKind, path: string): DataPlanePath {
  return { operation, kind, method: 'POST', path, pace: 'long' }
}

/** What there is: endpoints, clusters, jobs and runs, and who asks. */
function discover(operation: string, kind: DataPlaneKind, path: string): DataPlanePath {
  return { ...read(operation, kind, path), isDiscovery: true }
}

function read(operation: string, kind: DataPlaneKind, path: string): DataPlanePath {
  return { operation, kind, method: 'GET', path, pace: 'short' }
}

function write(operation: string, path: string): DataPlanePath {
  return { operation, kind: 'workspace', method: 'POST', path, pace: 'short' }
}

function wordOf(verb: string): string {
  return verb.replaceAll('-', '_')
}
