import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { fabricId } from './fakes.ts'
import { answered, memoryInUse, served, workspaceAt } from './served.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

/** Of the requirement are 200 ms; the machine that tests has other things to do. */
const noticedWithinMs = 1_000

describe('F37 the client leaves', () => {
  const windows: readonly (readonly [string, (res: ServerResponse) => unknown])[] = [
    ['before the head', () => null],
    ['between the head and the first byte', (res) => res.flushHeaders()],
    ['in mid-stream', (res) => res.write('data: 1\n\n')]
  ]

  test.each(windows)('%s: the workspace is let go at once', async (window, begin) => {
    const arrived = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<number>()
    const workspace = await workspaceAt((_req, res) => {
      res.once('close', () => gone.resolve(performance.now()))
      res.setHeader('content-type', 'text/event-stream')
      begin(res)
      arrived.resolve()
    })
    const weft = await served([workspace])
    closers.push(weft.close)
    const req = weft.send()
    await arrived.promise
    if (window !== 'before the head') {
      const [res] = await once(req, 'response')
      res.on('error', () => {})
      if (window === 'in mid-stream') await once(res, 'data')
    }
    const leftMs = performance.now()
    req.destroy()
    expect((await gone.promise) - leftMs).toBeLessThan(noticedWithinMs)
    await expect.poll(() => weft.gateway.load().inFlight).toBe(0)
  })
})

describe('H3 the workspace is cut', () => {
  test.each(['content-length', 'chunked'])(
    '%s: the client sees an error, not an end',
    async (how) => {
      const workspace = await workspaceAt((_req, res) => {
        if (how === 'content-length') res.setHeader('content-length', 1_000)
        res.write('data: 1\n\n', () => res.socket?.resetAndDestroy())
      })
      const weft = await served([workspace])
      closers.push(weft.close)
      await expect(answered(weft.send())).rejects.toThrow(/aborted|hang up|reset/)
    }
  )
})

describe('F38 early leavers', () => {
  // WEFT_LEAVERS=10000 for the whole number, which takes its minute.
  const leavers = Number(process.env.WEFT_LEAVERS ?? 1_000)
  const atOnce = 50

  /** Sockets of any kind that this process holds. */
  const handles = () =>
    process.getActiveResourcesInfo().filter((kind) => /TCP|Socket|Pipe/.test(kind)).length

  test(`${leavers} of them leave no socket, no call and no memory behind`, async () => {
    let seen = 0
    let left = 0
    const arrivals = new Map<string, () => void>()
    // Bare sockets on both sides, so that what is measured is Weft.
    const workspace = createServer((socket) => {
      socket
        .on('error', () => {})
        .once('close', () => {
          left += 1
        })
      socket.once('data', (bytes) => {
        seen += 1
        const [, window = ''] = /\?(\w+) /.exec(bytes.toString('latin1', 0, 200)) ?? []
        const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
        if (window.startsWith('head')) socket.write(head)
        if (window.startsWith('data')) socket.write(`${head}1\r\nx\r\n`)
        arrivals.get(window)?.()
      })
    })
    workspace.listen(0, '127.0.0.1')
    await once(workspace, 'listening')
    const { port } = workspace.address() as AddressInfo
    const weft = await served([{ origin: `http://127.0.0.1:${port}`, close: async () => {} }])
    closers.push(weft.close, async () => void workspace.close())

    /** Once all is sent, once the workspace has it, once there is a head, once there is a first byte. */
    const windows = ['sent', 'arrived', 'head', 'data'] as const
    const request = (name: string) =>
      `POST /fabrics/${fabricId}/serving-endpoints/whoami/invocations?${name} HTTP/1.1\r\n` +
      'Host: weft.test\r\nAuthorization: Bearer wfts_a\r\nContent-Length: 2\r\n\r\n{}'
    const leaveEarly = (index: number) =>
      new Promise<void>((resolve) => {
        const window = windows[index % 4] ?? 'sent'
        const name = `${window}${index}`
        const socket = connect(weft.port, '127.0.0.1')
        const leave = () => socket.destroy()
        socket
          .on('error', () => {})
          .once('close', () => {
            arrivals.delete(name)
            resolve()
          })
        socket.write(request(name), () => window === 'sent' && leave())
        if (window === 'arrived') arrivals.set(name, leave)
        else socket.on('data', (bytes) => (window === 'head' || bytes.includes('\nx')) && leave())
      })

    async function round(count: number): Promise<void> {
      let next = 0
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let i = next++; i < count; i = next++) await leaveEarly(i)
        })
      )
      await expect
        .poll(() => left === seen && weft.gateway.load().inFlight, { timeout: 10_000 })
        .toBe(0)
    }

    const measure = async () => {
      await expect.poll(handles, { timeout: 10_000 }).toBeLessThanOrEqual(settled)
      weft.lines.length = 0
      weft.events.length = 0
      weft.asked.length = 0
      return memoryInUse().heapUsed
    }
    let settled = 20
    await round(500)
    const before = await measure()
    settled = handles() + 5
    await round(leavers)
    const grown = (await measure()) - before
    expect(handles()).toBeLessThanOrEqual(settled)
    expect(grown, 'bytes of all leavers together').toBeLessThan(4 * 1024 * 1024)
    expect(seen).toBeGreaterThanOrEqual((leavers * 3) / 4)
  }, 240_000)
})
