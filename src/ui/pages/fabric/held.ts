import type { Schemas } from '../../generated/operations.ts'

type State = Schemas['Connection']['state']

const held: ReadonlySet<State> = new Set(['active', 'degraded', 'paused'])

/** Whether a sign-in is there that calls can use, now or soon. */
export function isHeldIn(state: State): boolean {
  return held.has(state)
}
