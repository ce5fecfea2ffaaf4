import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { publicUrl } from '../support/replicas.ts'
import type { Upstream } from './upstream.ts'

/** A call of a person from the pages, by way of whatever stands in front. */
export function headersOf(session: string): Readonly<Record<string, string>> {
  return {
    host: new URL(publicUrl).host,
    origin: publicUrl,
    cookie: `__Host-weft_session=${session}`,
    'x-weft-csrf': '1',
    'content-type': 'application/json'
  }
}

/** Each event arrives before the next is sent. */
export async function expectEventsOneByOne(
  upstream: Upstream,
  ask: () => Promise<IncomingMessage>
): Promise<void> {
  const next = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  upstream.answer = async (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write('data: 1\n\n')
    await next[0]?.promise
    res.write('data: 2\n\n')
    await next[1]?.promise
    res.end('data: [DONE]\n\n')
  }
  const answer = await ask()
  expect(answer.headers['content-type']).toBe('text/event-stream')
  const [first] = await once(answer, 'data')
  expect(String(first)).toBe('data: 1\n\n')
  next[0]?.resolve()
  const [second] = await once(answer, 'data')
  expect(String(second)).toBe('data: 2\n\n')
  next[1]?.resolve()
  expect(await text(answer)).toBe('data: [DONE]\n\n')
}

/** 16 MiB go up and come down byte for byte. */
export async function expectEveryByte(
  upstream: Upstream,
  ask: (body: Buffer) => Promise<IncomingMessage>
): Promise<void> {
  const bytes = randomBytes(16 * 1024 * 1024)
  upstream.answer = async (req, res) => res.end(await buffer(req))
  const back = await buffer(await ask(bytes))
  const hash = (one: Buffer) => createHash('sha256').update(one).digest('hex')
  expect(hash(back)).toBe(hash(bytes))
}
