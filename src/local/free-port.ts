import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** A port that nobody else can take, until it is let go of. */
export interface HeldPort {
  readonly port: number
  letGo(): Promise<void>
}

/** `wanted` when nothing listens there, otherwise (and for 0) a free port. */
export async function portOrFree(wanted: number): Promise<number> {
  const { port, letGo } = await holdPort(wanted)
  await letGo()
  return port
}

/** The same, held: between choosing a port and listening on it others look for one too. */
export async function holdPort(wanted: number): Promise<HeldPort> {
  const server = await listen(wanted).catch(() => listen(0))
  return {
    port: (server.address() as AddressInfo).port,
    async letGo() {
      server.close()
      await once(server, 'close')
    }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  // on all addresses, so that a listener on any of them counts
  server.listen(port)
  await once(server, 'listening')
  return server.unref()
}
