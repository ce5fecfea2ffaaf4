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
}

/** What happens by the clock: jobs, and the key ring that one of them keeps. */
export function clockworkMetrics({ jobs, keys }: ClockworkDeps): Metric[] {
  return [
    {
      type: 'counter',
      name: 'weft_job_runs_total',
      help: 'Runs of each job, by how they ended',
      *read() {
        for (const { name: job, succeeded, failed } of jobs()) {
          yield [{ job, result: 'succeeded' }, succeeded]
          yield [{ job, result: 'failed' }, failed]
        }
      }
    },
    {
      type: 'gauge',
      name: 'weft_job_last_success_age_seconds',
      help: 'Since the last success of each job, or since the start where it had none',
      read: () => jobs().map(({ name: job, ageMs }) => [{ job }, ageMs / 1_000])
    },
    {
      type: 'gauge',
      name: 'weft_job_period_seconds',
      help: 'How often each job is due',
      read: () => jobs().map(({ name: job, everyMs }) => [{ job }, everyMs / 1_000])
    },
    {
      type: 'gauge',
      name: 'weft_job_last_run_seconds',
      help: 'How long the last run of each job took',
      read: () => jobs().map(({ name: job, tookMs }) => [{ job }, tookMs / 1_000])
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
