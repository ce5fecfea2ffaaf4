import { Secret } from '../../base/secret.ts'
import type { Identity } from '../../identity/identity.ts'
import {
  createAuditExport,
  exportAnswer,
  exportDescription,
  prefersLines
} from '../audit-export.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import { type App, answers } from '../route.ts'
import {
  Anchors,
  AuditFilters,
  AuditHead,
  type AuditReader,
  ChainVerdict,
  FoundToken,
  LostToken
} from '../schemas/audit.ts'

const tags = ['audit']

export function auditRoutes(
  app: App,
  deps: { audit: AuditReader; identity: Identity; problems: ProblemWriter }
): void {
  const { audit, identity } = deps
  const exportAudit = createAuditExport(deps)
  app.get(
    '/api/v1/audit-events',
    {
      config: { access: 'caller', operation: 'audit.list' },
      schema: {
        tags,
        summary: 'What happened, newest first',
        description: exportDescription,
        querystring: AuditFilters,
        response: { ...answers({}), ...exportAnswer }
      }
    },
    (request, reply) => {
      const { limit, cursor = null, from, to, ...filters } = request.query
      const times = { ...(from && { from: new Date(from) }), ...(to && { to: new Date(to) }) }
      const query = { cursor, ...filters, ...times }
      if (prefersLines(request)) return exportAudit(request, reply, { ...query, limit })
      reply.type('application/json')
      return audit.list(request.scope, { ...query, limit: limit ?? 50 })
    }
  )

  app.get(
    '/api/v1/audit-events/verify',
    {
      config: { access: 'caller', operation: 'audit.verify' },
      schema: {
        tags,
        summary: 'Check the hash chain of the whole record',
        response: answers({ 200: ChainVerdict })
      }
    },
    (request) => audit.verify(request.scope, [])
  )

  app.post(
    '/api/v1/audit-events/verify',
    {
      config: { access: 'caller', operation: 'audit.verify' },
      schema: {
        tags,
        operationId: 'auditVerifyAgainst',
        summary: 'Check the hash chain against heads that were kept',
        body: Anchors,
        response: answers({ 200: ChainVerdict })
      }
    },
    (request) => audit.verify(request.scope, request.body.anchors)
  )

  app.post(
    '/api/v1/audit-events/find-token',
    {
      config: { access: 'caller', operation: 'audit.find_token' },
      schema: {
        tags,
        summary: 'Whose a token is that was found, and what was done with it',
        body: LostToken,
        response: answers({ 200: FoundToken })
      }
    },
    (request) => identity.tokenFinding.find(request.scope, new Secret(request.body.token))
  )

  app.get(
    '/api/v1/audit-events/head',
    {
      config: { access: 'caller', operation: 'audit.head' },
      schema: {
        tags,
        summary: 'How long the record is and its last hash, signed',
        response: answers({ 200: AuditHead })
      }
    },
    (request) => audit.head(request.scope)
  )
}
