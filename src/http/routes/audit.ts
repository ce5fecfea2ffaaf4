import { Secret } from '../../base/secret.ts'
import type { Identity } from '../../identity/identity.ts'
import { type App, answers, PageOf } from '../route.ts'
import {
  Anchors,
  AuditEvent,
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
  { audit, identity }: { audit: AuditReader; identity: Pick<Identity, 'tokenFinding'> }
): void {
  app.get(
    '/api/v1/audit-events',
    {
      config: { access: 'caller', operation: 'audit.list' },
      schema: {
        tags,
        summary: 'What happened, newest first',
        querystring: AuditFilters,
        response: answers({ 200: PageOf(AuditEvent) })
      }
    },
    (request) => {
      const { limit = 50, cursor = null, from, to, ...filters } = request.query
      const times = { ...(from && { from: new Date(from) }), ...(to && { to: new Date(to) }) }
      return audit.list(request.scope, { limit, cursor, ...filters, ...times })
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
