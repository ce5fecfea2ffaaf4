import { IncomingMessage, type ServerResponse } from 'node:http'
import { StackError } from '../stack-error.ts'

/** The whole body of a request, bytes as they came. */
export async function readBody(req: IncomingMessage, maxBytes = 32 * 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > maxBytes) throw new StackError('request body too large')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** A request whose body was read already, ready to be read again; `prefix` is taken off its path. */
export function replayed(req: IncomingMessage, body: Buffer, prefix: string): IncomingMessage {
  const again = new IncomingMessage(req.socket)
  const url = req.url ?? '/'
  again.method = req.method ?? 'GET'
  again.headers = req.headers
  again.rawHeaders = req.rawHeaders
  again.httpVersion = req.httpVersion
  again.complete = true // or its end would close the connection
  again.url = url.startsWith(prefix) ? url.slice(prefix.length) || '/' : url
  Object.assign(again, { baseUrl: prefix }) // how Koa apps learn where they are mounted
  if (body.length > 0) again.push(body)
  again.push(null)
  return again
}

export function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {}
): void {
  const body = Buffer.from(JSON.stringify(value))
  res.writeHead(status, {
    'content-type': 'application/json; charset=UTF-8',
    'content-length': body.length,
    ...headers
  })
  res.end(body)
}

export function sendHtml(res: ServerResponse, html: string): void {
  res.writeHead(200, { 'content-type': 'text/html; charset=UTF-8', 'cache-control': 'no-store' })
  res.end(html)
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
