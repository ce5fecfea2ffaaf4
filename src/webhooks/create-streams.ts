import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Db } from '../store/db.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { type Courier, createCourier } from './courier.ts'
import { createOtlpSender, type OtlpLogs } from './otlp-sender.ts'
import { createStreamRun } from './stream-run.ts'
import { createSendMessage } from './webhook-delivery.ts'
import { createWebhookSender } from './webhook-sender.ts'

export interface StreamsDeps {
  readonly db: Db
  readonly audit: Pick<Audit, 'append'>
  readonly strongbox: Pick<Strongbox, 'open'>
  readonly clock: Clock
  /** To webhooks' receivers. */
  readonly outbound: Pick<Outbound, 'request'>
  readonly publicUrl: string
  readonly otlp: OtlpLogs | null
  readonly scopeOf: (tenantId: TenantId) => TenantScope
  readonly onFailure: (error: unknown) => void
}

/** Every stream of the record, and who tells it. */
export function createStreams(deps: StreamsDeps): Courier {
  const { db, audit, clock, outbound, otlp, scopeOf, onFailure } = deps
  const sendMessage = createSendMessage(outbound, clock)
  const webhook = createWebhookSender({ ...deps, sendMessage })
  const senders = { webhook, ...(otlp && { otlp: createOtlpSender({ ...deps, otlp }) }) }
  const run = createStreamRun({ db, audit, clock, senders })
  return createCourier({ db, clock, run, scopeOf, hasOtlp: otlp !== null, onFailure })
}
