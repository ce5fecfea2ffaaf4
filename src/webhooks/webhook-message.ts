import { auditEventView } from '../audit/audit-reader.ts'
import { type ProblemCode, type ProblemOwner, problemCatalogue } from '../base/errors.ts'
import type { AuditEventRow } from '../store/audit-events.ts'
import type { TenantRow } from '../store/tenants.ts'

/** Whose record it is, and where its people are led. */
export interface Origin {
  readonly tenant: Pick<TenantRow, 'id' | 'slug' | 'name'>
  readonly publicUrl: string
}

/** A message as it goes over the wire, and what it is known by. */
export interface Message {
  readonly id: string
  readonly type: string
  readonly body: string
}

/** An event of the record: names and ids as they stand there, whose move it is, and where they make it. */
export function messageOf(event: AuditEventRow, origin: Origin): Message {
  const { at: _, action: type, ...view } = auditEventView(event)
  const data = { ...view, owner: ownerOf(event), actionUrl: actionUrlOf(event, origin.publicUrl) }
  return { id: event.id, type, body: bodyOf(type, event.at, origin, data) }
}

/** So that a receiver can be tried out. */
export function testMessage(id: string, at: Date, webhookId: string, origin: Origin): Message {
  const type = 'webhook.test'
  return { id, type, body: bodyOf(type, at, origin, { webhookId }) }
}

function bodyOf(type: string, at: Date, { tenant }: Origin, data: object): string {
  const { id, slug, name } = tenant
  return JSON.stringify({ type, timestamp: at.toISOString(), tenant: { id, slug, name }, data })
}

function isProblem(code: string): code is ProblemCode {
  return Object.hasOwn(problemCatalogue, code)
}

function ownerOf(event: AuditEventRow): ProblemOwner | null {
  if (event.action === 'secret.expiring') {
    return event.fabricId === null ? 'tenant_admin' : 'team_admin'
  }
  return event.code !== null && isProblem(event.code) ? problemCatalogue[event.code].owner : null
}

/** A page of this deployment; null: nobody has to do anything. */
function actionUrlOf(event: AuditEventRow, publicUrl: string): string | null {
  const path = pathOf(event)
  return path === null ? null : `${publicUrl}/console${path}`
}

function pathOf({ action, fabricId, objectKind, details }: AuditEventRow): string | null {
  switch (action) {
    case 'connection.needs_sign_in':
      return fabricPath(firstFabricOf(details))
    case 'service_principal.refused':
      return fabricPath(fabricId)
    case 'secret.expiring':
      if (fabricId !== null) return fabricPath(fabricId)
      if (objectKind === 'service_key') return '/service-accounts'
      return objectKind === 'scim_token' ? '/people' : '/settings/security'
    case 'webhook.pause':
    case 'webhook.disable':
      return '/settings/webhooks'
    default:
      return null
  }
}

function fabricPath(fabricId: string | null): string {
  return fabricId === null ? '/fabrics' : `/fabrics/${fabricId}/connection`
}

function firstFabricOf(details: unknown): string | null {
  if (typeof details !== 'object' || details === null || !('fabricIds' in details)) return null
  const { fabricIds } = details
  const first: unknown = Array.isArray(fabricIds) ? fabricIds[0] : null
  return typeof first === 'string' ? first : null
}
