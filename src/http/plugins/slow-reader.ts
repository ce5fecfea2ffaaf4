import type { Socket } from 'node:net'
import type { App } from '../route.ts'

interface Reading {
  flushed: number
  stillMs: number
}

/**
 * Cuts clients that leave an answer standing: bytes wait for them and not one more has gone out for `slowMs`.
 * An answer that is quiet because there is nothing to tell has no bytes waiting, and stays. Costs nothing per
 * request.
 */
export function installSlowReader(
  app: App,
  { slowMs, checkMs, onCut }: { slowMs: number; checkMs: number; onCut: () => void }
): void {
  const readings = new Map<Socket, Reading>()
  app.server.on('connection', (socket: Socket) => {
    readings.set(socket, { flushed: 0, stillMs: 0 })
    socket.once('close', () => readings.delete(socket))
  })
  const timer = setInterval(() => {
    for (const [socket, reading] of readings) check(socket, reading)
  }, checkMs)
  timer.unref()
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer)
    done()
  })

  function check(socket: Socket, reading: Reading): void {
    const flushed = socket.bytesWritten - socket.writableLength
    const isWaiting = socket.writableLength > 0 && flushed === reading.flushed
    reading.flushed = flushed
    reading.stillMs = isWaiting ? reading.stillMs + checkMs : 0
    if (reading.stillMs < slowMs) return
    onCut()
    // A reset, so that the kernel lets go of what it holds for this client too.
    socket.resetAndDestroy()
  }
}
