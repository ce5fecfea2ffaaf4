import { gauge, labelled, type Metric } from './exposition.ts'

export interface ClockworkDeps {
  readonly jobs: () => readonly {
    readonly name: string
    readonly everyMs: number
    readonly succeeded: number
    readonly failed: number
    readonly ageMs: number
    readonly tookMs: number
  }[]
  readonly keys: () => {
    readonly sealingFingerprint: string
    readonly keys: Readonly<Record<'sealing' | 'staged' | 'retiring', number>>
    /** Null: the key that seals is at no service. */
    readonly silentMs: number | null
  }
  /** Renewals before anybody waits for them. */
  readonly ahead: () => {
    readonly inFlight: number
    readonly waiting: number
    readonly tenantsDue: number
    readonly lateMs: number
    readonly hostsAway: number
    readonly outcomes: Readonly<Record<string, number>>
  }
}

/**
 * What happens by the clock: renewals, jobs, and the key ring that one of them keeps. The label of a job is `task`,
 * since `job` is Prometheus' own.
 */
export function clockworkMetrics({ jobs, keys, ahead }: ClockworkDeps): Metric[] {
  return [
    {
      type: 'counter',
      name: 'weft_refresh_ahead_total',
      help: 'Renewals that this replica began before anybody waited, by outcome',
      read: () => labelled('outcome', Object.entries(ahead().outcomes))
    },
    gauge('weft_refresh_ahead_in_flight', 'Renewals under way', () => ahead().inFlight),
    gauge(
      'weft_refresh_ahead_waiting',
      'Renewals that were taken and wait for their host',
      () => ahead().waiting
    ),
    gauge(
      'weft_refresh_ahead_tenants_due',
      'Tenants that had something due at the last turn, up to a hundred',
      () => ahead().tenantsDue
    ),
    gauge(
      'weft_refresh_ahead_late_seconds',
      'How late the last renewal was that was taken; 0 where nothing is due',
      () => ahead().lateMs / 1_000
    ),
    gauge(
      'weft_refresh_ahead_hosts_away',
      'Workspace hosts that are left alone for now, since they did not answer',
      () => ahead().hostsAway
    ),
    {
      type: 'counter',
      name: 'weft_job_runs_total',
      help: 'Runs of each job, by how they ended',
      *read() {
        for (const { name: task, succeeded, failed } of jobs()) {
          yield [{ task, result: 'succeeded' }, succeeded]
          yield [{ task, result: 'failed' }, failed]
        }
      }
    },
    {
      type: 'gauge',
      name: 'weft_job_last_success_age_seconds',
      help: 'Since the last success of each job, or since the start where it had none',
      read: () => jobs().map(({ name: task, ageMs }) => [{ task }, ageMs / 1_000])
    },
    {
      type: 'gauge',
      name: 'weft_job_period_seconds',
      help: 'How often each job is due',
      read: () => jobs().map(({ name: task, everyMs }) => [{ task }, everyMs / 1_000])
    },
    {
      type: 'gauge',
      name: 'weft_job_last_run_seconds',
      help: 'How long the last run of each job took',
      read: () => jobs().map(({ name: task, tookMs }) => [{ task }, tookMs / 1_000])
    },
    {
      type: 'gauge',
      name: 'weft_key_ring_keys',
      help: 'Keys of the ring: sealing, staged (not promoted yet), retiring (opens what it wrapped)',
      read: () => labelled('state', Object.entries(keys().keys))
    },
    {
      type: 'gauge',
      name: 'weft_key_ring_seals_info',
      help: 'The fingerprint of the key that seals; always 1, and the same on every replica',
      read: () => [[{ fingerprint: keys().sealingFingerprint }, 1]]
    },
    gauge(
      'weft_key_service_silent_seconds',
      'Since the key management service last answered; 0 where the key that seals is at none',
      () => (keys().silentMs ?? 0) / 1_000
    )
  ]
}
