import { auditEventView } from '../audit/audit-reader.ts'
import type { AuditEventRow } from '../store/audit-events.ts'
import type { Origin } from './webhook-message.ts'

/** @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto */
export type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  /** 64 bits, so that JSON has it as a text (protobuf's JSON mapping). */
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } }
  | { readonly kvlistValue: { readonly values: readonly KeyValue[] } }

export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

/** INFO and WARN of the specification's severity numbers. */
const severities = {
  succeeded: { severityNumber: 9, severityText: 'INFO' },
  refused: { severityNumber: 13, severityText: 'WARN' },
  failed: { severityNumber: 13, severityText: 'WARN' }
} as const

/**
 * Events of one tenant as an `ExportLogsServiceRequest` in OTLP's JSON: one resource, one scope, a record each.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function exportLogsRequest(
  events: readonly AuditEventRow[],
  origin: Origin,
  observedAt: Date
) {
  const { tenant, publicUrl } = origin
  const resource = {
    'service.name': 'weft',
    'weft.public_url': publicUrl,
    'weft.tenant.id': tenant.id,
    'weft.tenant.slug': tenant.slug
  }
  return {
    resourceLogs: [
      {
        resource: { attributes: keyValues(resource) },
        scopeLogs: [
          {
            scope: { name: 'weft.audit' },
            logRecords: events.map((event) => recordOf(event, observedAt))
          }
        ]
      }
    ]
  }
}

function recordOf(event: AuditEventRow, observedAt: Date) {
  const { at, action, actor, object, outcome, details, ...rest } = auditEventView(event)
  const attributes = {
    'event.id': event.id,
    'weft.audit.action': action,
    'weft.audit.outcome': outcome,
    'weft.audit.actor.kind': actor.kind,
    'weft.audit.actor.id': actor.id,
    'weft.audit.object.kind': object.kind,
    'weft.audit.object.id': object.id,
    ...Object.fromEntries(
      Object.entries(rest)
        .filter(([name]) => name !== 'id')
        .map(([name, value]) => [`weft.audit.${snakeCase(name)}`, value])
    )
  }
  return {
    timeUnixNano: nanosOf(at),
    observedTimeUnixNano: nanosOf(observedAt),
    ...severities[outcome],
    eventName: `weft.${action}`,
    body: anyValue(details) ?? { stringValue: '' },
    attributes: keyValues(attributes)
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function nanosOf(date: Date): string {
  return `${date.getTime()}000000`
}

/** What is null is left out. */
function keyValues(members: object): KeyValue[] {
  return Object.entries(members).flatMap(([key, member]) => {
    const value = anyValue(member)
    return value === null ? [] : [{ key, value }]
  })
}

function anyValue(value: unknown): AnyValue | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  }
  if (Array.isArray(value)) {
    const values = value.map((item: unknown) => anyValue(item) ?? { stringValue: '' })
    return { arrayValue: { values } }
  }
  if (typeof value === 'object') return { kvlistValue: { values: keyValues(value) } }
  return { stringValue: String(value) }
}
