import type { IncomingMessage } from 'node:http'
import type { App } from '../route.ts'

const clientsOwn = /^[A-Za-z0-9._-]{8,64}$/

/** A client's own valid `x-request-id`, else a new one. */
export function requestIdOf(req: IncomingMessage, newRequestId: () => string): string {
  const header = req.headers['x-request-id']
  return typeof header === 'string' && clientsOwn.test(header) ? header : newRequestId()
}

/** Every answer names its request. */
export function installRequestId(app: App): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id)
    done(null, payload)
  })
}
