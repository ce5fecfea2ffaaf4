import { once } from 'node:events'
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server
} from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp, type Socket, type Server as TcpServer } from 'node:net'
import { createServer as createTls, type TlsOptions } from 'node:tls'
import { type CertificateName, certificate } from '../support/tls/certificates.ts'

export interface TestServer {
  readonly port: number
  /** Connections accepted so far, whatever became of them. */
  readonly connections: () => number
  readonly close: () => Promise<void>
}

async function listen(server: TcpServer | Server): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let count = 0
  server.on('connection', (socket: Socket) => {
    count += 1
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    connections: () => count,
    close: async () => {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    }
  }
}

export function httpsServer(
  handler: RequestListener,
  name: CertificateName = 'valid',
  options: TlsOptions = {}
): Promise<TestServer> {
  return listen(createHttps({ ...certificate(name), ...options }, handler))
}

export function httpServer(handler: RequestListener): Promise<TestServer> {
  return listen(createHttp(handler))
}

/** Speaks bytes, so that it can say what no HTTP library would. */
export function rawServer(onSocket: (socket: Socket) => void): Promise<TestServer> {
  return listen(
    createTls(certificate('valid'), (socket) => {
      socket.on('error', () => {})
      onSocket(socket)
    })
  )
}

export function tcpServer(onSocket: (socket: Socket) => void): Promise<TestServer> {
  return listen(createTcp(onSocket))
}

export async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
