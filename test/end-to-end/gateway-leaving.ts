import { describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { isQuery, isToken } from './simulator.ts'
import { headOf, send, sha256 } from './wire.ts'

const noticedWithinMs = 200
const path = '/serving-endpoints/databricks-llama/invocations'

/** A body of its own per call, so that the log of the workspace tells calls apart. */
function streamed(content: string): string {
  const words = `${content} ${'word '.repeat(50)}`
  return JSON.stringify({ messages: [{ role: 'user', content: words }], stream: true })
}

/** A client that leaves takes its call along, wherever that is. */
export function leavingSuite(world: () => World): void {
  describe('the client is gone', () => {
    const ask = (body: string, fabric = world().seeded) =>
      send(world().stack.weft, `/fabrics/${fabric}${path}`, { headers: world().headers(), body })
    const isOf = (body: string) => (entry: { bodySha256: string | null }) =>
      entry.bodySha256 === sha256(body)

    /** Milliseconds until the workspace sees that nobody listens any more. */
    async function noticedAfter(leave: () => void, body: string): Promise<number> {
      const leftMs = performance.now()
      leave()
      await world().workspace.until((entry) => isOf(body)(entry) && entry.aborted)
      return performance.now() - leftMs
    }

    test.each([
      ['before the head of the answer', 'apiDelayMs'],
      ['while a sleeping endpoint wakes up', 'coldStartMs']
    ] as const)('%s: the workspace is let go at once', async (title, fault) => {
      await world().workspace.setFaults({ [fault]: 20_000 })
      await world().workspace.mark()
      const body = streamed(title)
      const req = ask(body)
      await world().workspace.until(isOf(body))
      expect(await noticedAfter(() => req.destroy(), body)).toBeLessThan(noticedWithinMs)
    })

    test('in mid-stream: the workspace is let go at once', async () => {
      await world().workspace.setFaults({ streamEventDelayMs: 500 })
      await world().workspace.mark()
      const body = streamed('mid-stream')
      const req = ask(body)
      const res = await headOf(req)
      await new Promise((settle) => res.once('data', settle))
      expect(await noticedAfter(() => req.destroy(), body)).toBeLessThan(noticedWithinMs)
    })

    test('while a token is fetched: nothing is asked, and the token is kept for the next', async () => {
      const fabric = await world().fabric()
      const key = await world().key([{ fabricId: fabric.id }])
      await world().workspace.setFaults({ tokenDelayMs: 700 })
      await world().workspace.mark()
      const [left, next] = [streamed('left early'), streamed('came next')]
      const headers = world().headers({ authorization: `Bearer ${key}` })
      const target = `/fabrics/${fabric.id}${path}`
      const req = send(world().stack.weft, target, { headers, body: left })
      await world().workspace.until(isToken)
      req.destroy()
      await headOf(send(world().stack.weft, target, { headers, body: next }))
      const entries = await world().workspace.seen()
      expect(entries.filter(isToken)).toHaveLength(1)
      expect(entries.filter(isQuery).map(({ bodySha256 }) => bodySha256)).toEqual([sha256(next)])
    })
  })
}
