import { invalidRequest } from '../../base/errors.ts'
import type { Incidents } from '../../identity/identity.ts'
import { type App, answers, IdOfKind, Strict } from '../route.ts'
import { Incident, IncidentBody } from '../schemas/incident.ts'

const path = '/api/v1/tenants/:tenantId/incident-revocations'
const tenantId = IdOfKind('tenant')
const tags = ['tenants']

export function incidentRoutes(app: App, { incidents }: { readonly incidents: Incidents }): void {
  app.post(
    path,
    {
      config: { access: 'caller', operation: 'incident.revoke' },
      schema: {
        tags,
        summary: 'End everything that lets anybody into a tenant',
        description:
          'Sign-ins, keys, tokens, sessions and delegations are ended in one transaction and refused within 5 ' +
          'seconds on every replica; then the provider is told of each sign-in. What was begun may be asked for ' +
          'under its id. Once more does no harm.',
        operationId: 'incidentRevoke',
        params: Strict({ tenantId }),
        body: IncidentBody,
        response: answers({ 202: Incident })
      }
    },
    async ({ scope, params, body }, reply) => {
      reply.code(202)
      const { confirm } = body
      return await incidents.begin(scope, params.tenantId, { confirm, target: targetOf(body) })
    }
  )

  app.get(
    `${path}/:incidentId`,
    {
      config: { access: 'caller', operation: 'incident.get' },
      schema: {
        tags,
        summary: 'Read how far an incident’s revocations are',
        operationId: 'incidentGet',
        params: Strict({ tenantId, incidentId: IdOfKind('incident') }),
        response: answers({ 200: Incident })
      }
    },
    ({ scope, params }) => incidents.get(scope, params.tenantId, params.incidentId)
  )
}

function targetOf({ fabricId, userId }: { fabricId?: string; userId?: string }) {
  if (fabricId !== undefined && userId !== undefined) {
    throw invalidRequest('/userId', 'stands beside fabricId: give one of them')
  }
  if (fabricId !== undefined) return { kind: 'fabric', id: fabricId } as const
  return userId === undefined ? undefined : ({ kind: 'user', id: userId } as const)
}
