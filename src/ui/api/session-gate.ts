/**
 * Where calls wait when the session has ended: the shell asks the person to log in again, in another window,
 * and the calls go on as if nothing had been.
 */
let waiting: PromiseWithResolvers<void> | null = null
const listeners = new Set<() => void>()

function tell(): void {
  for (const listener of listeners) listener()
}

/** Settles when the person has logged in again. */
export function loggedInAgain(): Promise<void> {
  if (waiting === null) {
    waiting = Promise.withResolvers()
    tell()
  }
  return waiting.promise
}

export const sessionGate = {
  isClosed: () => waiting !== null,
  open(): void {
    waiting?.resolve()
    waiting = null
    tell()
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
}
