import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { answered, served, type Workspace, workspaceAt } from './served.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

type Weft = Awaited<ReturnType<typeof served>>

async function place(workspaces: readonly Workspace[], options: Parameters<typeof served>[1] = {}) {
  const weft = await served(workspaces, options)
  closers.push(weft.close)
  return weft
}

const fine = () => workspaceAt((_req, res) => res.end('fine'))

/** Milliseconds of `count` calls one after the other through a fabric, sorted. */
async function times(weft: Weft, letter: 'a' | 'b', count: number): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < count; i += 1) {
    const startedMs = performance.now()
    expect((await answered(weft.send(letter))).status).toBe(200)
    all.push(performance.now() - startedMs)
  }
  return all.sort((one, other) => one - other)
}
const p99 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0
const p50 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length / 2) - 1] ?? 0

describe('H8 a workspace that is down', () => {
  const outages: readonly (readonly [string, (res: ServerResponse) => unknown])[] = [
    ['cuts every connection', (res) => res.destroy()],
    ["has a proxy's 503 in its place", (res) => res.writeHead(503).end('<h1>away</h1>')]
  ]

  test.each(outages)(
    '%s: at most a tenth more attempts than requests, others untouched',
    async (_name, fail) => {
      const down = await workspaceAt((_req, res) => void fail(res))
      const weft = await place([down, await fine()])
      const calls = 100
      const answers = []
      for (let round = 0; round < calls / 20; round += 1) {
        answers.push(
          ...(await Promise.all(Array.from({ length: 20 }, () => answered(weft.send('a')))))
        )
      }
      expect(down.requests()).toBeLessThanOrEqual(calls * 1.1)
      // Open after the first round at the latest: from then on it is only probed.
      expect(down.requests()).toBeLessThanOrEqual(40)
      const refused = answers.filter(({ retryAfter }) => Number(retryAfter) >= 1)
      expect(refused.length).toBeGreaterThanOrEqual(calls / 2)
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['upstream_unavailable']))
      expect(weft.gateway.load().breakers).toMatchObject({ open: 1 })
      expect((await answered(weft.send('b'))).status).toBe(200)
    }
  )

  test('comes back with the first probe that it answers, and one probe goes at a time', async () => {
    let isDown = true
    let aheadMs = 0
    const workspace = await workspaceAt((_req, res) => (isDown ? res.destroy() : res.end('fine')))
    const clock = {
      now: () => new Date(),
      monotonicMs: () => performance.now() + aheadMs
    }
    const weft = await place([workspace], { clock })
    for (let i = 0; i < 6; i += 1) await answered(weft.send())
    const before = workspace.requests()
    aheadMs += 1_000
    const probing = await Promise.all(Array.from({ length: 20 }, () => answered(weft.send())))
    expect(workspace.requests() - before).toBe(1)
    expect(probing.every(({ code }) => code === 'upstream_unavailable')).toBe(true)
    isDown = false
    aheadMs += 4_000
    expect((await answered(weft.send())).status).toBe(200)
    const after = await Promise.all(Array.from({ length: 20 }, () => answered(weft.send())))
    expect(after.every(({ status }) => status === 200)).toBe(true)
    expect(weft.gateway.load().breakers).toEqual({ failing: 0, open: 0, probing: 0 })
  })
})

describe('H6 a workspace that hangs', () => {
  test('with 300 calls held up, the other tenant is answered as fast as before', async () => {
    const hanging = await workspaceAt(() => {})
    const weft = await place([hanging, await fine()])
    await times(weft, 'b', 20) // warm
    const alone = await times(weft, 'b', 150)
    const stuck = Array.from({ length: 300 }, () => weft.send('a'))
    await expect.poll(hanging.requests, { timeout: 15_000 }).toBe(300)
    const beside = await times(weft, 'b', 150)
    expect(weft.gateway.load().inFlight).toBe(300)
    // The machine's own hiccups are in both, so a little is added; a call that waits for A's takes for ever.
    expect(p50(beside)).toBeLessThan(2 * p50(alone) + 2)
    expect(p99(beside)).toBeLessThan(2 * p99(alone) + 20)
    for (const req of stuck) req.destroy()
    await expect.poll(() => weft.gateway.load().inFlight, { timeout: 10_000 }).toBe(0)
  })

  test('calls beyond its bound are refused at once, and the other tenant’s are not', async () => {
    const hanging = await workspaceAt(() => {})
    const weft = await place([hanging, await fine()], { bounds: { callsPerHostMax: 50 } })
    const stuck = Array.from({ length: 50 }, () => weft.send('a'))
    await expect.poll(hanging.requests, { timeout: 10_000 }).toBe(50)
    expect(await answered(weft.send('a'))).toMatchObject({
      status: 503,
      code: 'overloaded',
      retryAfter: expect.stringMatching(/^[12]$/)
    })
    expect((await answered(weft.send('b'))).status).toBe(200)
    for (const req of stuck) req.destroy()
  })
})
