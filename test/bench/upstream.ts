/** A program: the workspace that everything is measured against, a raw node:http server. Tells its port. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  eventCount,
  eventEveryMs,
  exchanges,
  heldEndpoint,
  heldEventEveryMs,
  jsonOf
} from './traffic.ts'

const answers = new Map(
  Object.entries(exchanges).map(([name, { answered }]) => [name, jsonOf(answered)])
)
const asked = /^\/serving-endpoints\/([\w-]+)\/(?:invocations|chat\/completions)$/

const server = createServer((req, res) => {
  const endpoint = asked.exec(req.url ?? '')?.[1]
  if (endpoint === undefined) return void control(req, res).catch(() => res.destroy())
  const answer = answers.get(endpoint)
  req.resume()
  req.once('end', () => {
    if (answer !== undefined) sendJson(res, answer)
    else if (endpoint === heldEndpoint) hold(res)
    else stream(res)
  })
})

function sendJson(res: ServerResponse, body: Buffer | string): void {
  const length = Buffer.byteLength(body)
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': length })
  res.end(body)
}

/** Never ends by itself. */
function hold(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const send = () => void res.write('data: {"held":true}\n\n')
  const timer = setInterval(send, heldEventEveryMs)
  res.once('close', () => clearInterval(timer))
  send()
}

/** Each event says when it was sent, by the machine's monotonic clock; the last one hashes all before it. */
function stream(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const hash = createHash('sha256')
  let sent = 0
  const send = () => {
    sent += 1
    if (sent === eventCount) {
      clearInterval(timer)
      return void res.end(`data: {"sha256":"${hash.digest('hex')}"}\n\n`)
    }
    const event = `data: {"at":"${process.hrtime.bigint()}","delta":"${'word '.repeat(12)}"}\n\n`
    hash.update(event)
    res.write(event)
  }
  const timer = setInterval(send, eventEveryMs)
  res.once('close', () => clearInterval(timer))
}

/** What a workspace is asked once before it is used: metadata, a token, whether an endpoint is its own host. */
async function control(req: IncomingMessage, res: ServerResponse): Promise<void> {
  await text(req)
  const { port } = server.address() as AddressInfo
  const root = `http://127.0.0.1:${port}/oidc`
  if (req.url?.startsWith('/oidc/.well-known/') === true) {
    return sendJson(
      res,
      JSON.stringify({
        issuer: root,
        authorization_endpoint: `${root}/v1/authorize`,
        token_endpoint: `${root}/v1/token`,
        response_types_supported: ['code'],
        token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic']
      })
    )
  }
  if (req.url === '/oidc/v1/token') {
    const token = { access_token: 'a'.repeat(800), token_type: 'Bearer', expires_in: 3_600 }
    return sendJson(res, JSON.stringify({ ...token, scope: 'all-apis' }))
  }
  if (req.url?.startsWith('/api/2.0/serving-endpoints/') === true) {
    return sendJson(res, '{"route_optimized":false}')
  }
  res.writeHead(404).end()
}

server.keepAliveTimeout = 300_000
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit())
