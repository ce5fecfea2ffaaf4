import type { AuditBuffer } from '../audit/audit-buffer.ts'
import type { DegradedPart } from '../base/standing.ts'
import type { Db } from '../store/db.ts'
import type { Job } from './clockwork.ts'
import type { KeyCustody } from './key-custody.ts'

/** How this replica stands: whether it can serve, and what it is without meanwhile. */
export interface Standing {
  /**
   * Looks now.
   * @returns what it is without and still serves
   * @throws AppError `overloaded`: no database; `key_unavailable`
   */
  check(): Promise<readonly DegradedPart[]>
  /** As the last look found it. */
  readonly isReady: boolean
  readonly degraded: readonly DegradedPart[]
}

export interface StandingDeps {
  readonly db: Pick<Db, 'assertAnswers'>
  readonly custody: Pick<KeyCustody, 'assertGood' | 'state'>
  readonly records: Pick<AuditBuffer, 'size'>
  /** Hears of every change, whichever way. */
  readonly onChange: (isReady: boolean, degraded: readonly DegradedPart[]) => void
}

/** More than a flush or two leave behind while the database takes them. */
const recordsWaitingMax = 10_000

export function createStanding({ db, custody, records, onChange }: StandingDeps): Standing {
  let isReady = true
  let degraded: readonly DegradedPart[] = []

  function lacking(): readonly DegradedPart[] {
    const { isServiceAway, isFileFaulty } = custody.state()
    const parts: DegradedPart[] = []
    if (isServiceAway) parts.push('key_service')
    if (isFileFaulty) parts.push('key_ring')
    if (records.size > recordsWaitingMax) parts.push('audit_records')
    return parts
  }

  function settle(ready: boolean): void {
    const now = lacking()
    const isSame = ready === isReady && now.join() === degraded.join()
    isReady = ready
    degraded = now
    if (!isSame) onChange(isReady, degraded)
  }

  return {
    async check() {
      try {
        db.assertAnswers()
        custody.assertGood()
      } catch (error) {
        settle(false)
        throw error
      }
      settle(true)
      return degraded
    },
    get isReady() {
      return isReady
    },
    get degraded() {
      return degraded
    }
  }
}

/** Looks by itself, so that the metrics and the log tell where nobody asks `/readyz`; what it finds is not its failure. */
export function standingWatch(standing: Standing): Job {
  return {
    name: 'standing',
    everyMs: 3_000,
    run: () => standing.check().then(ignore, ignore)
  }
}

const ignore = () => undefined
