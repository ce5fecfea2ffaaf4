import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { findTenant } from '../store/tenants.ts'
import { exportLogsRequest } from './otlp-records.ts'
import { retryAfterMs } from './retry.ts'
import type { Sender, Sent } from './stream-run.ts'
import { deliveryDeadlineMs, errorOf } from './webhook-delivery.ts'
import type { Origin } from './webhook-message.ts'

/** Records of one request. */
const batchMax = 200

/** Where the operator wants every tenant's record as OpenTelemetry logs, over OTLP/HTTP in JSON. */
export interface OtlpLogs {
  readonly url: string
  /** Read anew for each request. */
  readonly readHeaders: () => Readonly<Record<string, string>>
  readonly outbound: Pick<Outbound, 'request' | 'close'>
}

export interface OtlpSenderDeps {
  readonly otlp: OtlpLogs
  readonly clock: Clock
  readonly publicUrl: string
}

/**
 * A batch of records a request. What the collector refuses is tried again until it takes it: a record that is
 * quietly left out would be none. What it takes and says to have dropped (`partialSuccess`) must not be sent again.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
export function createOtlpSender(deps: OtlpSenderDeps): Sender {
  const { otlp, clock, publicUrl } = deps
  const rule = { kind: 'origin', origin: new URL(otlp.url).origin } as const

  async function post(body: string): Promise<Sent['failure']> {
    const answer = await otlp.outbound
      .request({
        url: otlp.url,
        rule,
        method: 'POST',
        headers: { ...otlp.readHeaders(), 'content-type': 'application/json' },
        body,
        deadlineMs: deliveryDeadlineMs
      })
      .catch(errorOf)
    if (typeof answer === 'string') return { error: answer, retryAfterMs: null }
    if (answer.status >= 200 && answer.status < 300) return null
    const asked = retryAfterMs(answer.headers['retry-after'], clock.now())
    return { error: 'not_2xx', retryAfterMs: asked }
  }

  return {
    isGivenUp: false,
    async prepare(tx) {
      const tenant = await findTenant(tx)
      if (tenant === null) return null
      const origin: Origin = { tenant, publicUrl }
      return {
        wanted: null,
        limit: batchMax,
        async send(events) {
          if (events.length === 0) return { taken: 0, failure: null }
          const body = JSON.stringify(exportLogsRequest(events, origin, clock.now()))
          const failure = await post(body).catch((error: unknown) => {
            if (!(error instanceof AppError)) throw error
            return { error: 'internal' as const, retryAfterMs: null }
          })
          return { taken: failure === null ? events.length : 0, failure }
        }
      }
    }
  }
}
