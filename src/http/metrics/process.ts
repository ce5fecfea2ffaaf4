import type { Counts } from '../../base/measures.ts'
import { type DegradedPart, degradedParts } from '../../base/standing.ts'
import type { SlowClients } from '../server-options.ts'
import { gauge, labelled, type Metric } from './exposition.ts'

export interface ProcessDeps {
  readonly version: string
  /** How late the event loop's turns come, milliseconds. */
  readonly lagMs: () => number
  readonly slowClients: Readonly<SlowClients>
  readonly standing: { readonly isReady: boolean; readonly degraded: readonly DegradedPart[] }
  readonly database: () => {
    readonly connections: { readonly inUse: number; readonly idle: number; readonly max: number }
    readonly waiting: number
    readonly errors: Counts<string>
  }
  /** Records of calls that wait to be written, and those given up on. */
  readonly records: { readonly size: number; readonly dropped: number }
  /** Spans that the collector took, and those that it did not; null: there is no collector. */
  readonly spans: { readonly exported: number; readonly lost: number } | null
  /** Notes of use that wait to be written. */
  readonly lastUses: { readonly waiting: number }
  /** Events that lie before receivers, and receivers whose last try failed, as this replica saw it last. */
  readonly streams: () => {
    readonly waiting: Readonly<Record<'webhook' | 'otlp', number>>
    readonly failing: Readonly<Record<'webhook' | 'otlp', number>>
  }
}

/** Of this replica itself: whether it can serve, its event loop, its database, what waits in it. */
export function processMetrics(deps: ProcessDeps): Metric[] {
  const { version, lagMs, slowClients, standing, database, records, lastUses, spans, streams } =
    deps
  return [
    {
      type: 'gauge',
      name: 'weft_build_info',
      help: 'Which build this is; always 1',
      read: () => [[{ version, node: process.version }, 1]]
    },
    gauge('weft_ready', 'Whether this replica can serve, as it last looked', () =>
      Number(standing.isReady)
    ),
    {
      type: 'gauge',
      name: 'weft_degraded',
      help: 'What this replica is without and still serves',
      read: () => degradedParts.map((part) => [{ part }, Number(standing.degraded.includes(part))])
    },
    gauge(
      'weft_event_loop_late_seconds',
      'How late the turns of the event loop come; above 0.2 no new call is taken',
      () => lagMs() / 1_000
    ),
    {
      type: 'counter',
      name: 'weft_slow_clients_cut_total',
      help: 'Connections cut because the client was slow with its body, or slow to read an answer',
      read: () =>
        labelled('at', [
          ['body', slowClients.bodies],
          ['answer', slowClients.readers]
        ])
    },
    {
      type: 'gauge',
      name: 'weft_database_connections',
      help: 'Connections of the pool, by what they do',
      read() {
        const { inUse, idle } = database().connections
        return labelled('state', [
          ['in_use', inUse],
          ['idle', idle]
        ])
      }
    },
    gauge(
      'weft_database_connections_max',
      'Connections that the pool may open',
      () => database().connections.max
    ),
    gauge(
      'weft_database_waiting',
      'Transactions that wait for a connection',
      () => database().waiting
    ),
    {
      type: 'counter',
      name: 'weft_database_errors_total',
      help: 'What Postgres refused or did not answer, by class',
      read: () => labelled('class', database().errors.all())
    },
    gauge(
      'weft_audit_records_waiting',
      'Records of calls that wait to be written',
      () => records.size
    ),
    {
      type: 'counter',
      name: 'weft_audit_records_dropped_total',
      help: 'Records of calls that were given up because the database was away for too long',
      read: () => [[{}, records.dropped]]
    },
    gauge(
      'weft_last_uses_waiting',
      'Notes of when a session or key was last used that wait to be written',
      () => lastUses.waiting
    ),
    {
      type: 'gauge',
      name: 'weft_stream_events_waiting',
      help: 'Events of the record that lie before receivers, all tenants’; every replica tells the same',
      read: () => labelled('kind', Object.entries(streams().waiting))
    },
    {
      type: 'gauge',
      name: 'weft_stream_receivers_failing',
      help: 'Receivers of the record whose last try failed; every replica tells the same',
      read: () => labelled('kind', Object.entries(streams().failing))
    },
    {
      type: 'counter',
      name: 'weft_trace_spans_total',
      help: 'Spans that were handed to the collector, by whether it took them',
      read: () =>
        labelled('result', [
          ['exported', spans?.exported ?? 0],
          ['lost', spans?.lost ?? 0]
        ])
    }
  ]
}
