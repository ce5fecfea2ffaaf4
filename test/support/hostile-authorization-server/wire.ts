import type { ServerResponse } from 'node:http'
import type { Answer } from './answers.ts'

export function send(res: ServerResponse, { status, headers, body, isEndless }: Answer): void {
  const type = typeof body === 'string' ? 'text/plain' : 'application/json'
  res.writeHead(status, { 'content-type': type, ...headers })
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  if (isEndless === true) res.write(text)
  else res.end(text)
}

/** Promises the whole answer, sends half of it and hangs up. */
export function cutShort(res: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  res.write(bytes.subarray(0, bytes.length / 2), () => res.destroy())
}
