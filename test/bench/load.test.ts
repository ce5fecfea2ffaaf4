import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { runClosed, runOpen, runWalk } from './calls.ts'
import { holdStreams, releaseStreams } from './held-streams.ts'
import { runStreams } from './streams.ts'
import { exchanges, jsonOf } from './traffic.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function targetOf(listener: RequestListener) {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, prefix: '/f', headers: { 'x-a': 'b' } }
}

const whole = jsonOf(exchanges['json-2k'].sent)
const closed = { kind: 'closed', endpoint: 'json-2k', connections: 4, durationMs: 50 } as const
const open = { kind: 'open', endpoint: 'json-2k', perSecond: 200, durationMs: 400 } as const
const streams = { kind: 'streams', endpoint: 'events', count: 1 } as const

test('what is sent is whole: method, path, headers and body', async () => {
  const seen = new Set<string>()
  const target = await targetOf(async (req, res) => {
    const body = await buffer(req)
    seen.add(`${req.method} ${req.url} ${req.headers['x-a']} ${body.equals(whole)}`)
    res.end(whole)
  })
  const { fault, calls } = await runClosed({ ...closed, target })
  expect(fault).toBeNull()
  expect(calls).toBeGreaterThan(3)
  expect([...seen]).toEqual(['POST /f/serving-endpoints/json-2k/invocations b true'])
})

test('an answer in chunks, whole or torn, is one answer', async () => {
  const target = await targetOf((req, res) => {
    req.resume()
    res.write(whole.subarray(0, 9))
    setImmediate(() => res.end(whole.subarray(9)))
  })
  const { fault, calls } = await runClosed({ ...closed, target })
  expect(fault).toBeNull()
  expect(calls).toBeGreaterThan(3)
})

test.each<[string, RegExp, RequestListener]>([
  ['another status', /status 503/, (_req, res) => res.writeHead(503).end(whole)],
  ['a shorter body', /5 bytes, not 2048/, (_req, res) => res.end('12345')],
  ['a cut connection', /closed|ECONNRESET/, (_req, res) => res.destroy()]
])('%s is a fault and no measurement', async (_name, words, listener) => {
  const target = await targetOf(listener)
  for (const outcome of [
    await runClosed({ ...closed, target }),
    await runOpen({ ...open, target })
  ]) {
    expect(outcome.fault).toMatch(words)
  }
})

test('who cannot keep up with a fixed rate has fallen behind, which no answer is to blame for', async () => {
  const target = await targetOf((req) => void req.resume())
  const outcome = await runOpen({ ...open, perSecond: 100_000, target })
  expect(outcome.fault).toMatch(/^fell behind: more than 512/)
})

test('calls at a fixed rate do not wait for those before them', async () => {
  const target = await targetOf((req, res) => {
    req.resume()
    setTimeout(() => res.end(whole), 150)
  })
  const { fault, calls, p50 } = await runOpen({ ...open, target })
  expect(fault).toBeNull()
  // All but those of the first 100 ms; one connection after the other would have had three.
  expect(calls).toBeGreaterThan(20)
  expect(p50).toBeGreaterThanOrEqual(149)
})

test('a stream whose bytes were changed on the way is a fault', async () => {
  const target = await targetOf((req, res) => {
    req.resume()
    const events = 'data: {"at":"1"}\n\n'.repeat(199)
    res.end(`${events}data: {"sha256":"${'0'.repeat(64)}"}\n\n`)
  })
  expect((await runStreams({ ...streams, target })).fault).toBe('other bytes than were sent')
})

test('a stream that ends early is a fault', async () => {
  const target = await targetOf((req, res) => {
    req.resume()
    res.end('data: {"at":"1"}\n\n')
  })
  expect((await runStreams({ ...streams, target })).fault).toMatch(/events, not 200/)
})

test('a walk asks each step once', async () => {
  const seen: string[] = []
  const target = await targetOf((req, res) => {
    req.resume()
    seen.push(req.headers['x-a'] === undefined ? '' : String(req.headers['x-a']))
    res.end(whole)
  })
  const steps = ['1', '2', '3'].map((name) => {
    return { target: { ...target, headers: { 'x-a': name } }, endpoint: 'json-2k' as const }
  })
  const { fault, calls } = await runWalk({ kind: 'walk', steps, connections: 2 })
  expect(fault).toBeNull()
  expect(calls).toBe(3)
  expect(seen.toSorted()).toEqual(['1', '2', '3'])
})

test('streams are held until they are let go, and one that ended before is a fault', async () => {
  const open: ServerResponse[] = []
  const target = await targetOf((req, res) => {
    req.resume()
    open.push(res)
    res.write('data: {"held":true}\n\n')
  })
  const job = { kind: 'hold', endpoint: 'held', target, count: 3 } as const
  expect(await holdStreams(job)).toMatchObject({ fault: null, calls: 3 })
  expect(await releaseStreams()).toMatchObject({ fault: null, calls: 3 })
  await vi.waitFor(async () => {
    await holdStreams(job)
    open.at(-1)?.end()
    await pause(10)
    expect((await releaseStreams()).fault).toBe('a stream was ended')
  })
})
