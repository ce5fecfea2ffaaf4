import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LoopbackServer {
  readonly port: number
  /** `http://localhost:{port}` */
  readonly url: string
  close(): Promise<void>
}

const attemptsMax = 10

/**
 * Serves `listener` on both loopback addresses, since `localhost` may mean either; 0 picks a free port.
 * Rejects with Node's own error (`EADDRINUSE`) when a given port is taken on one of them.
 */
export async function serveLoopback(
  port: number,
  listener: (url: string) => RequestListener | Promise<RequestListener>
): Promise<LoopbackServer> {
  for (let attempt = 1; ; attempt++) {
    let handle: RequestListener = (_req, res) => res.writeHead(503).end()
    const dispatch: RequestListener = (req, res) => handle(req, res)
    const first = await listen(dispatch, port, '127.0.0.1')
    const servers = [first]
    const chosen = (first.address() as AddressInfo).port // listening on TCP, so never a path
    try {
      servers.push(await listen(dispatch, chosen, '::1'))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EADDRINUSE') {
        await closeAll(servers)
        if (port === 0 && attempt < attemptsMax) continue
        throw error
      }
    }
    const url = `http://localhost:${chosen}`
    handle = await listener(url)
    return { port: chosen, url, close: () => closeAll(servers) }
  }
}

function listen(listener: RequestListener, port: number, host: string): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, listener)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => resolve(server))
  })
}

async function closeAll(servers: Server[]): Promise<void> {
  await Promise.all(
    servers.map((server) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    })
  )
}
