import { AppError } from '../../base/errors.ts'
import type { App } from '../route.ts'

/** While closing: new requests on old connections are sent away, and what is open at the end is cut. */
export function installClosing(app: App, { drainMs }: { drainMs: number }): void {
  let isClosing = false
  let timer: NodeJS.Timeout | undefined
  app.addHook('preClose', (done) => {
    isClosing = true
    timer = setTimeout(() => app.server.closeAllConnections(), drainMs)
    done()
  })
  app.addHook('onClose', (_app, done) => {
    clearTimeout(timer)
    done()
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!isClosing || request.raw.url === '/healthz') return done()
    reply.header('connection', 'close')
    done(new AppError('shutting_down'))
  })
}
