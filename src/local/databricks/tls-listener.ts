import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface TlsOptions {
  /** PEM */
  readonly key: string
  readonly cert: string
  /** 0, or none, picks a free one. */
  readonly port?: number
}

export interface TlsListener {
  /** `https://localhost:{port}` */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Serves `listener` over TLS too, on 127.0.0.1. */
export async function serveTls(
  { key, cert, port = 0 }: TlsOptions,
  listener: RequestListener
): Promise<TlsListener> {
  const server: Server = createServer(
    { key, cert, keepAliveTimeout: 60_000, requestTimeout: 0 },
    listener
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1' }, resolve)
  })
  const chosen = (server.address() as AddressInfo).port // listening on TCP, so never a path
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `https://localhost:${chosen}`, port: chosen, close }
}
