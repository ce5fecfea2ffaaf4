import type { ServerResponse } from 'node:http'

/** Aborted at the instant at which the client is gone before its answer has ended. */
export function goneSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (res.destroyed) controller.abort()
  res.once('close', () => {
    if (!res.writableFinished) controller.abort()
  })
  return controller.signal
}
