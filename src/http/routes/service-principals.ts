import type { Fabrics } from '../../fabrics/fabrics.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import { type App, answers, createHeaders, IdOfKind, Nothing, Strict } from '../route.ts'
import { clientSecretInput, NewClientSecret } from '../schemas/client-secret.ts'
import { Fabric } from '../schemas/fabric.ts'
import { withEtag } from '../version.ts'

const path = '/api/v1/fabrics/:fabricId/service-principal'
const params = Strict({ fabricId: IdOfKind('fabric') })
const tags = ['fabrics']

export function servicePrincipalRoutes(
  app: App,
  { fabrics, once }: { fabrics: Fabrics; once: CreateOnce }
): void {
  app.post(
    `${path}/client-secrets`,
    {
      config: { access: 'caller', operation: 'service_principal.add_secret' },
      schema: {
        tags,
        summary: "Add a client secret of a fabric's service principal",
        description: 'It becomes the current one; the one before it is tried next until deleted.',
        params,
        headers: createHeaders,
        body: NewClientSecret,
        response: answers({ 201: Fabric })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const add = () => fabrics.addPrincipalSecret(scope, params.fabricId, clientSecretInput(body))
      reply.code(201)
      return withEtag(reply, await once(request, add))
    }
  )

  app.delete(
    `${path}/client-secrets/:clientSecretId`,
    {
      config: { access: 'caller', operation: 'service_principal.delete_secret' },
      schema: {
        tags,
        summary: "Delete a client secret of a fabric's service principal",
        params: Strict({ ...params.properties, clientSecretId: IdOfKind('clientSecret') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { fabricId, clientSecretId } = request.params
      await fabrics.removePrincipalSecret(request.scope, fabricId, clientSecretId)
      return reply.code(204).send()
    }
  )
}
