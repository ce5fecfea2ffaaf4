import {
  type Answer,
  type Behaviour,
  refusals,
  rewrites
} from '../support/hostile-authorization-server.ts'
import type { Dice } from './dice.ts'
import type { Loss } from './encounters.ts'

/** What the token endpoint does to one request. */
export interface Plan {
  readonly name: string
  readonly beforeMs: number
  readonly afterMs: number
  readonly instead?: Answer | 'drop'
  readonly rewrite?: (honest: Answer) => Answer
  readonly cut?: NonNullable<Behaviour['cut']>
  readonly loss: Loss | null
}

const weights = {
  honest: 640,
  slow_before: 60,
  slow_after: 60,
  late: 3,
  throttled: 40,
  unavailable: 40,
  drop: 30,
  cut_before_answer: 8,
  cut_mid_answer: 8,
  error_after: 3,
  odd_expiry: 50,
  bad_id_token: 20,
  created: 15,
  no_access_token: 10,
  no_token_type: 10,
  page: 1
}

const oddExpiries = ['9', 0, -5, 10 ** 12, null, 'soon', 1.5]

/** Longer than any client waits for a token. */
const lateMs = 11_500

export function rollPlan(dice: Dice): Plan {
  const name = dice.weighted(weights)
  const plain = { name, beforeMs: 0, afterMs: 0, loss: null }
  switch (name) {
    case 'honest':
      return plain
    case 'slow_before':
      return { ...plain, beforeMs: dice.int(100, 3_000) }
    case 'slow_after':
      return { ...plain, afterMs: dice.int(100, 3_000) }
    case 'late':
      return { ...plain, beforeMs: lateMs, loss: 'late' }
    case 'throttled':
      return { ...plain, instead: refusals.throttled(dice.int(1, 3)) }
    case 'unavailable':
      return { ...plain, instead: refusals.unavailable(dice.pick([500, 502, 503, 504])) }
    case 'drop':
      return { ...plain, instead: 'drop' }
    case 'cut_before_answer':
      return { ...plain, cut: 'before_answer', loss: 'cut' }
    case 'cut_mid_answer':
      return { ...plain, cut: 'mid_answer', loss: 'cut' }
    case 'error_after':
      return { ...plain, rewrite: rewrites.withEcho(500), loss: 'error' }
    case 'odd_expiry':
      return { ...plain, rewrite: rewrites.withMembers({ expires_in: dice.pick(oddExpiries) }) }
    case 'bad_id_token':
      return { ...plain, rewrite: rewrites.withBadIdToken() }
    case 'created':
      return { ...plain, rewrite: rewrites.withStatus(201) }
    case 'no_access_token':
      return { ...plain, rewrite: rewrites.without('access_token') }
    case 'no_token_type':
      return { ...plain, rewrite: rewrites.without('token_type') }
    case 'page':
      return { ...plain, instead: refusals.page() }
  }
}
