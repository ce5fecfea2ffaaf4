import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { Deadlines } from '../../src/fabrics/fabrics.ts'
import { createOutbound, type StreamDeadlines } from '../../src/outbound/outbound.ts'
import { aCall, aSink, clock, gatewayAt } from './fakes.ts'
import { answered, served, workspaceAt } from './served.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

async function through(
  deadlines: Deadlines,
  handle: (res: ServerResponse) => unknown
): Promise<ReturnType<typeof answered>> {
  const workspace = await workspaceAt((_req, res) => void handle(res))
  const weft = await served([workspace], { fabric: { deadlines } })
  closers.push(weft.close)
  return answered(weft.send())
}

describe('F39 the deadlines of a fabric, each counted apart', () => {
  test('504 upstream_timeout without a first byte in its time', async () => {
    expect(await through({ firstByteMs: 200 }, () => null)).toMatchObject({
      status: 504,
      code: 'upstream_timeout'
    })
  })

  test.each([
    ['idleMs', 200],
    ['totalMs', 1_000]
  ])('a stream beyond its %s ends as an error', async (name, ms) => {
    const answer = through({ [name]: ms }, (res) => {
      const tick = () => res.write('data: 1\n\n')
      tick()
      if (name === 'idleMs') return
      const timer = setInterval(tick, 50)
      res.once('close', () => clearInterval(timer))
    })
    await expect(answer).rejects.toThrow(/aborted|hang up|reset/)
  })

  test('a silence that is shorter than they say is waited out', async () => {
    const answer = await through({ firstByteMs: 5_000, idleMs: 5_000, totalMs: 30_000 }, (res) =>
      setTimeout(() => {
        res.write('a')
        setTimeout(() => res.end('b'), 300)
      }, 300)
    )
    expect([answer.status, answer.body]).toEqual([200, 'ab'])
  })

  /** What outbound is told of them. */
  async function toldFor(deadlines: Deadlines | null, method: string, path: string) {
    const workspaceOrigin = 'http://127.0.0.1:1'
    const real = createOutbound({ extraOrigins: [workspaceOrigin], clock, userAgent: 'weft' })
    const told: StreamDeadlines[] = []
    const outbound: typeof real = {
      ...real,
      stream: (input, sink) => {
        told.push(input.deadlines)
        return real.stream(input, sink)
      }
    }
    const made = gatewayAt({ workspaceOrigin, outbound, fabric: { deadlines } })
    closers.push(made.close)
    const body = method === 'GET' ? null : Buffer.from('{}')
    await made.gateway.handle(aCall({ method, path, body }), aSink().sink).catch(() => null)
    return told[0]
  }
  const query = ['POST', '/serving-endpoints/whoami/invocations'] as const
  const list = ['GET', '/api/2.0/serving-endpoints'] as const

  test('5 s, 300 s, 120 s and an hour where it sets none; the others stay where it sets one', async () => {
    const own = { connectMs: 5_000, firstByteMs: 300_000, idleMs: 120_000, totalMs: 3_600_000 }
    expect(await toldFor(null, ...query)).toEqual(own)
    expect(await toldFor({ idleMs: 7 }, ...query)).toEqual({ ...own, idleMs: 7 })
  })

  test('a call that only reads is never given longer than it takes, and shorter where that is set', async () => {
    const long = { connectMs: 9_000, firstByteMs: 900_000, idleMs: 900_000, totalMs: 900_000 }
    expect(await toldFor(long, ...list)).toEqual({
      connectMs: 9_000,
      firstByteMs: 60_000,
      idleMs: 60_000,
      totalMs: 600_000
    })
    expect(await toldFor({ firstByteMs: 1_000 }, ...list)).toMatchObject({ firstByteMs: 1_000 })
  })
})
