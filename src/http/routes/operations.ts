import { type App, answers } from '../route.ts'
import { Operations, OperationsKeys, type OperationsReader } from '../schemas/operations.ts'

const tags = ['operations']
const config = { access: 'caller', operation: 'operations.get' } as const

export function operationsRoutes(
  app: App,
  { operations }: { readonly operations: OperationsReader }
): void {
  app.get(
    '/api/v1/operations',
    {
      config,
      schema: {
        tags,
        summary: 'The replicas, and what each knows of itself',
        response: answers({ 200: Operations })
      }
    },
    (request) => operations.view(request.scope)
  )

  app.get(
    '/api/v1/operations/keys',
    {
      config,
      schema: {
        tags,
        summary: 'The key ring, and rotations under way',
        operationId: 'operationsKeys',
        response: answers({ 200: OperationsKeys })
      }
    },
    (request) => operations.keys(request.scope)
  )
}
