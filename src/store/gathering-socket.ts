import { Socket } from 'node:net'

/**
 * What is written to it in one go of the event loop leaves in one write: the driver writes each statement of a
 * transaction by itself, and each write costs more than the statement.
 */
export function createGatheringSocket(): Socket {
  const socket = new Socket()
  let isGathering = false

  function leave(): void {
    isGathering = false
    socket.uncork()
  }

  function write(...given: unknown[]): boolean {
    if (!isGathering) {
      isGathering = true
      socket.cork()
      process.nextTick(leave)
    }
    return Reflect.apply(Socket.prototype.write, socket, given)
  }

  // `connect` itself puts the write of every socket back in its place.
  socket.once('connect', () => {
    Object.defineProperty(socket, 'write', { value: write, writable: true, configurable: true })
  })
  return socket
}
