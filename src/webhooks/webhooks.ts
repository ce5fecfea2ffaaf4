/**
 * Owns: what the record tells the outside – webhooks, and the same as OpenTelemetry logs – and how far each
 * receiver has been told.
 * Touches: the audit's events, its own rows, the strongbox for signing secrets, the network through outbound.
 * Never: tells what is not in the record, leaves an event out, or lets one receiver hold up another's.
 */
import type { ProblemOwner } from '../base/errors.ts'
import type { AuditEventId, WebhookId } from '../base/ids.ts'
import type { Page, PageQuery } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'

export interface NewWebhook {
  readonly name: string
  readonly url: string
  /** Names of events; `connection.*`: all that begin so; `audit.*`: the whole record. */
  readonly events: readonly string[]
}

/** JSON merge patch (RFC 7396): absent keeps, the list is replaced as a whole. */
export type WebhookPatch = { readonly version: number } & {
  readonly [Member in keyof NewWebhook]?: NewWebhook[Member] | undefined
}

/** `failing`: the last try failed and the next one comes by itself; `paused`, `disabled`: none comes. */
export type WebhookStatus = 'active' | 'failing' | 'paused' | 'disabled'
/** `by_admin`, or what made Weft stop: no try taken for three days, or `410 Gone`. */
export type WebhookCause = 'by_admin' | 'failed_too_long' | 'gone'

/** Why a try was not taken. */
export type DeliveryError =
  | 'not_2xx'
  | 'redirect'
  | 'gone'
  | 'unreachable'
  | 'dns_failed'
  | 'tls_failed'
  | 'timeout'
  | 'bad_answer'
  | 'not_allowed'
  | 'internal'

export interface WebhookView {
  readonly id: WebhookId
  readonly name: string
  readonly url: string
  readonly events: readonly string[]
  readonly status: WebhookStatus
  readonly cause: WebhookCause | null
  /** Since when it has the status. */
  readonly since: Date
  /** Events of the record, wanted ones and others, that have not been looked at for it yet. */
  readonly behind: number
  readonly lastDeliveredAt: Date | null
  readonly lastError: DeliveryError | null
  /** Tries in a row that failed. */
  readonly failures: number
  readonly nextTryAt: Date | null
  /** What messages are signed with, newest first; never the secrets themselves. */
  readonly secrets: readonly {
    readonly hint: string
    readonly createdAt: Date
    readonly expiresAt: Date | null
  }[]
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface NewSecret {
  /** In clear, this one time. */
  readonly secret: string
  readonly hint: string
  readonly createdAt: Date
  /** Until then messages carry a signature by the one before as well. */
  readonly previousExpiresAt: Date
}

export interface DeliveryView {
  readonly id: string
  readonly kind: 'event' | 'redelivery' | 'test'
  /** As in the header `webhook-id`: of an event of the record, its id. */
  readonly messageId: string
  readonly type: string
  readonly attempt: number
  readonly at: Date
  readonly status: number | null
  readonly error: DeliveryError | null
  readonly durationMs: number
}

/** What a message says whose move it is, where it is somebody's. */
export type { ProblemOwner }

/** A tenant's webhooks, for its admins. */
export interface Webhooks {
  list(scope: TenantScope, page: PageQuery): Promise<Page<WebhookView>>
  /** @throws AppError `not_found` */
  get(scope: TenantScope, id: WebhookId): Promise<WebhookView>
  /**
   * It is told of what happens from now on. @returns the secret in clear, this one time
   * @throws AppError `invalid_request`, `host_not_allowed`, `conflict`: there are too many
   */
  create(scope: TenantScope, input: NewWebhook): Promise<WebhookView & { readonly secret: string }>
  /** @throws AppError as `create`, `not_found`, `version_conflict` */
  update(scope: TenantScope, id: WebhookId, patch: WebhookPatch): Promise<WebhookView>
  remove(scope: TenantScope, id: WebhookId): Promise<void>
  /** From now on nothing is sent, and nothing forgotten. */
  pause(scope: TenantScope, id: WebhookId): Promise<WebhookView>
  /** The next try comes at once. @param skipMissed from what happens next, and not from where it stopped */
  resume(scope: TenantScope, id: WebhookId, skipMissed: boolean): Promise<WebhookView>
  /** @param overlapHours for how long the one before signs too */
  rotateSecret(scope: TenantScope, id: WebhookId, overlapHours: number): Promise<NewSecret>
  /** Sends a message of type `webhook.test` at once. */
  test(scope: TenantScope, id: WebhookId): Promise<DeliveryView>
  /** Sends one event of the record once more, at once and out of turn. @throws AppError `not_found` */
  redeliver(scope: TenantScope, id: WebhookId, eventId: AuditEventId): Promise<DeliveryView>
  deliveries(scope: TenantScope, id: WebhookId, page: PageQuery): Promise<Page<DeliveryView>>
}
