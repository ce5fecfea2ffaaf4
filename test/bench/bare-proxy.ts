/**
 * A program: the least that a proxy on Node can do, as a yardstick. node:http, undici's `dispatch`, the
 * request's body whole in memory, the answer as it comes; another Authorization, and nothing else.
 * Its one argument is the upstream's origin; it tells its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2] ?? '', { connections: 1_024, pipelining: 1 })
const authorization = `Bearer ${'a'.repeat(800)}`

const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.once('end', () => pass(req, res, Buffer.concat(chunks)))
})

function pass(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
  const { 'content-type': type = 'application/json' } = req.headers
  const path = req.url ?? '/'
  const headers = { authorization, 'content-type': type }
  pool.dispatch(
    { method: 'POST', path, headers, body },
    {
      onRequestStart() {},
      onResponseStart(_controller, status, { connection, 'keep-alive': _, ...kept }) {
        res.writeHead(status, kept)
      },
      onResponseData(_controller, chunk) {
        res.write(chunk)
      },
      onResponseEnd() {
        res.end()
      },
      onResponseError() {
        res.destroy()
      }
    }
  )
}

server.keepAliveTimeout = 300_000
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit())
