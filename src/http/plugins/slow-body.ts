import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { App } from '../route.ts'

interface Reception {
  readonly raw: IncomingMessage
  bytesRead: number
}

/**
 * Cuts clients that trickle a body: fewer than `bytesMin` within one to two intervals of `intervalMs`,
 * while it is they who are waited for. Costs a map entry per request; Node's own `requestTimeout` is for
 * the whole body and must leave a large one its time.
 */
export function installSlowBody(
  app: App,
  { intervalMs, bytesMin, onCut }: { intervalMs: number; bytesMin: number; onCut: () => void }
): void {
  const receptions = new Map<Socket, Reception>()
  // Those that came over the network, and so can be cut.
  const connections = new WeakSet<Socket>()
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => receptions.delete(socket))
  })
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request
    const isReceiving = !raw.complete && connections.has(raw.socket)
    if (isReceiving) receptions.set(raw.socket, { raw, bytesRead: -1 })
    done()
  })
  const timer = setInterval(() => {
    for (const [socket, reception] of receptions) {
      if (reception.raw.complete) receptions.delete(socket)
      else if (isWaitedFor(reception.raw)) check(socket, reception)
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
