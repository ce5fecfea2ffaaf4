import ipaddr from 'ipaddr.js'
import { setNewest } from '../base/bounded-map.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'

const windowMs = 60_000
/** Wrong credentials from one source in a window. */
const failuresMax = 30
/** Tokens for one service account in a window. */
const tokensMax = 120
/** Refusals of one service account that are put on record in a window. */
const refusalsMax = 60
const entriesMax = 10_000
/** For how long a key that was right here is let past a source's failures. */
const provenMs = 3_600_000

export interface TokenThrottle {
  /** @throws AppError `rate_limited`: this source was wrong too often, and this key was not right here lately */
  admit(source: string, keyHash: string): void
  noteFailure(source: string): void
  /** What was right here is let past the failures of its source from now on. */
  noteProven(keyHash: string): void
  /** @throws AppError `rate_limited`: the service account got too many tokens already */
  noteSuccess(serviceAccountId: string, keyHash: string): void
  /** Whether one more refusal of the service account's goes on record: strangers fill no tenant's trail. */
  mayRecordRefusal(serviceAccountId: string): boolean
}

/**
 * Each replica's own. Failures count against where they come from and never against the account that they
 * name, so a stranger locks nobody out: not by the account's id, nor, once its key was right here, from
 * behind the same address.
 */
export function createTokenThrottle(clock: Clock): TokenThrottle {
  const failures = createTally(clock)
  const tokens = createTally(clock)
  const refusals = createTally(clock)
  const proven = new Map<string, number>()

  function refuse(leftMs: number): AppError {
    return new AppError('rate_limited', { retryAt: plusMs(clock.now(), leftMs) })
  }

  function noteProven(keyHash: string): void {
    setNewest(proven, keyHash, clock.monotonicMs(), entriesMax)
  }

  return {
    noteProven,
    admit(source, keyHash) {
      const { count, leftMs } = failures.read(networkOf(source))
      if (count < failuresMax) return
      const isProven = clock.monotonicMs() - (proven.get(keyHash) ?? -provenMs) < provenMs
      if (!isProven) throw refuse(leftMs)
    },
    noteFailure(source) {
      failures.add(networkOf(source))
    },
    noteSuccess(serviceAccountId, keyHash) {
      noteProven(keyHash)
      const { count, leftMs } = tokens.read(serviceAccountId)
      if (count >= tokensMax) throw refuse(leftMs)
      tokens.add(serviceAccountId)
    },
    mayRecordRefusal(serviceAccountId) {
      refusals.add(serviceAccountId)
      return refusals.read(serviceAccountId).count <= refusalsMax
    }
  }
}

/** Counts by name within windows that begin with the first count. */
function createTally(clock: Clock) {
  const windows = new Map<string, { readonly startedMs: number; count: number }>()

  function current(name: string) {
    const found = windows.get(name)
    return found && clock.monotonicMs() - found.startedMs < windowMs ? found : null
  }

  return {
    read(name: string): { count: number; leftMs: number } {
      const { startedMs, count } = current(name) ?? { startedMs: clock.monotonicMs(), count: 0 }
      return { count, leftMs: startedMs + windowMs - clock.monotonicMs() }
    },
    add(name: string): void {
      const found = current(name)
      if (found) {
        found.count += 1
        return
      }
      setNewest(windows, name, { startedMs: clock.monotonicMs(), count: 1 }, entriesMax)
    }
  }
}

/** An IPv4 address, or the /64 of an IPv6 one, which is what one subscriber has. */
function networkOf(source: string): string {
  if (!ipaddr.isValid(source)) return source
  const address = ipaddr.process(source)
  if (address.kind() === 'ipv4') return address.toString()
  return address.toByteArray().slice(0, 8).join('.')
}
