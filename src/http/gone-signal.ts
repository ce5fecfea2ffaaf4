import type { ServerResponse } from 'node:http'
import { AppError } from '../base/errors.ts'

/** Lets a call be ended from within; @returns to be called when it is over. */
export type Watch = (end: (why: AppError) => void) => () => void

/**
 * Aborted at the instant at which the client is gone before its answer has ended, or, with the problem as its
 * reason, when who called may no longer.
 */
export function goneSignal(res: ServerResponse, watch: Watch): AbortSignal {
  const controller = new AbortController()
  if (res.destroyed) {
    controller.abort()
    return controller.signal
  }
  const unwatch = watch((why) => controller.abort(why))
  res.once('close', () => {
    unwatch()
    if (!res.writableFinished) controller.abort()
  })
  return controller.signal
}

/** Why the call was ended from within; null: it was not. */
export function endOf({ reason }: AbortSignal): AppError | null {
  return reason instanceof AppError ? reason : null
}
