import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Upstream {
  readonly origin: string
  /** What answers the next calls. */
  answer: (req: IncomingMessage, res: ServerResponse) => unknown
  close(): Promise<void>
}

/** A workspace of one endpoint, whose answers the test writes itself. */
export async function startUpstream(): Promise<Upstream> {
  const server = createServer((req, res) => {
    // What the endpoint is like, Weft asks by itself.
    if (req.method === 'POST') return upstream.answer(req, res)
    res.writeHead(404).end()
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  const upstream: Upstream = {
    origin: `http://127.0.0.1:${port}`,
    answer: (_req, res) => res.end('{}'),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
  return upstream
}
