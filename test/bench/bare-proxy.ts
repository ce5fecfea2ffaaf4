/**
 * A program: the least that a proxy on Node can do, as a yardstick. node:http, undici's `dispatch`, the
 * request's body whole in memory, or streamed through with a second argument `streamed`; the answer as it comes;
 * another Authorization, and nothing else. Its first argument is the upstream's origin; it tells its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

const [, , origin = '', mode = 'whole'] = process.argv
const pool = new Pool(origin, { connections: 1_024, pipelining: 1, bodyTimeout: 0 })
const authorization = `Bearer ${'a'.repeat(800)}`

const server = createServer((req, res) => {
  if (mode === 'streamed') return pass(req, res, req)
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.once('end', () => pass(req, res, Buffer.concat(chunks)))
})

function pass(req: IncomingMessage, res: ServerResponse, body: Buffer | IncomingMessage): void {
  const { 'content-type': type = 'application/json', 'content-length': length } = req.headers
  const path = req.url ?? '/'
  const headers = {
    authorization,
    'content-type': type,
    ...(length === undefined ? {} : { 'content-length': length })
  }
  pool.dispatch(
    { method: 'POST', path, headers, body },
    {
      onRequestStart(controller) {
        res.once('close', () => {
          if (!res.writableFinished) controller.abort(new Error('the client left'))
        })
      },
      onResponseStart(_controller, status, { connection, 'keep-alive': _, ...kept }) {
        res.writeHead(status, kept)
      },
      onResponseData(controller, chunk) {
        if (res.write(chunk)) return
        controller.pause()
        res.once('drain', () => controller.resume())
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
