import type { Fabrics } from '../../fabrics/fabrics.ts'
import { type App, answers, IdOfKind, pageOf, Strict } from '../route.ts'
import { Discovery, DiscoveryFilters } from '../schemas/discovery.ts'

const params = Strict({ fabricId: IdOfKind('fabric') })
const description =
  'As the workspace shows it to the identity that asks, by name. A fabric need not be complete for it.'

const lists = [
  ['warehouses', 'warehouse', 'SQL warehouses of the workspace of a fabric', 'warehouseDiscover'],
  ['clusters', 'cluster', 'Clusters of the workspace of a fabric', 'clusterDiscover'],
  [
    'serving-endpoints',
    'serving_endpoint',
    'Serving endpoints that a fabric reaches',
    'servingEndpointDiscover'
  ]
] as const

export function discoveryRoutes(app: App, { fabrics }: { fabrics: Fabrics }): void {
  for (const [path, kind, summary, operationId] of lists) {
    app.get(
      `/api/v1/fabrics/:fabricId/${path}`,
      {
        config: { access: 'caller', operation: 'endpoint.discover' },
        schema: {
          tags: ['discovery'],
          summary,
          description,
          operationId,
          params,
          querystring: DiscoveryFilters,
          response: answers({ 200: Discovery })
        }
      },
      ({ scope, params: { fabricId }, query }) => {
        const { as = null, q = null } = query
        return fabrics.discover(scope, fabricId, { kind, as, text: q, ...pageOf(query) })
      }
    )
  }
}
