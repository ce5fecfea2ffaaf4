import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { App } from '../route.ts'

/** What comes in on a connection; null: nothing, or it is there as a whole. */
interface Reception {
  raw: IncomingMessage | null
  bytesRead: number
}

/**
 * Cuts clients that trickle a body: fewer than `bytesMin` within one to two intervals of `intervalMs`,
 * while it is they who are waited for. Costs a look-up per request; Node's own `requestTimeout` is for
 * the whole body and must leave a large one its time.
 */
export function installSlowBody(
  app: App,
  { intervalMs, bytesMin, onCut }: { intervalMs: number; bytesMin: number; onCut: () => void }
): void {
  // Of connections that came over the network, and so can be cut.
  const receptions = new Map<Socket, Reception>()
  app.server.on('connection', (socket: Socket) => {
    receptions.set(socket, { raw: null, bytesRead: -1 })
    socket.once('close', () => receptions.delete(socket))
  })
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request
    const reception = raw.complete ? undefined : receptions.get(raw.socket)
    if (reception !== undefined) {
      reception.raw = raw
      reception.bytesRead = -1
    }
    done()
  })
  const timer = setInterval(() => {
    for (const [socket, reception] of receptions) {
      const { raw } = reception
      if (raw === null) continue
      if (raw.complete) reception.raw = null
      else if (isWaitedFor(raw)) check(socket, reception)
    }
  }, intervalMs)
  timer.unref()
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer)
    done()
  })

  function check(socket: Socket, reception: Reception): void {
    const isFirstLook = reception.bytesRead < 0
    const bytes = socket.bytesRead - reception.bytesRead
    reception.bytesRead = socket.bytesRead
    if (isFirstLook || bytes >= bytesMin) return
    onCut()
    socket.destroy()
  }
}

/** Not where the body stands still because the workspace reads it slowly. */
function isWaitedFor(raw: IncomingMessage): boolean {
  return raw.readableLength === 0 && !raw.isPaused()
}
