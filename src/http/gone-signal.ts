import type { ServerResponse } from 'node:http'
import { AppError } from '../base/errors.ts'
import type { StopSignal } from '../base/stop.ts'

/** Lets a call be ended from within; @returns to be called when it is over. */
export type Watch = (end: (why: AppError) => void) => () => void

/**
 * Stops at the instant at which the client is gone before its answer has ended, or, with the problem as the
 * reason, when who called may no longer.
 */
export function stopWhenGone(
  res: ServerResponse,
  work: { abort(reason?: unknown): void },
  watch: Watch
): void {
  if (res.destroyed) {
    work.abort()
    return
  }
  const unwatch = watch((why) => work.abort(why))
  res.on('close', () => {
    unwatch()
    if (!res.writableFinished) work.abort()
  })
}

/** The same as a signal. */
export function goneSignal(res: ServerResponse, watch: Watch): AbortSignal {
  const controller = new AbortController()
  stopWhenGone(res, controller, watch)
  return controller.signal
}

/** Why the call was ended from within; null: it was not. */
export function endOf({ reason }: Pick<StopSignal, 'reason'>): AppError | null {
  return reason instanceof AppError ? reason : null
}
