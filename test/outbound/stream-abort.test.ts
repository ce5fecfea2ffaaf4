import { describe, expect, it } from 'vitest'
import type { StreamControl } from '../../src/outbound/outbound.ts'
import { httpsServer } from './hostile-server.ts'

import { place, upstream } from './place.ts'

describe('H3 F37 the caller leaves', () => {
  it('before the call: nothing is dialled', async () => {
    const { call, server } = await upstream((_req, res) => res.end())
    const end = await call({ signal: AbortSignal.abort() }).end
    expect(end).toMatchObject({ outcome: 'aborted', wasSent: false })
    expect(server.connections()).toBe(0)
  })

  it('while the name is looked up: nothing is sent once it is known', async () => {
    let requests = 0
    const server = await httpsServer((_req, res) => {
      requests += 1
      res.end()
    })
    const looking = Promise.withResolvers<void>()
    const known = Promise.withResolvers<void>()
    const { call, outbound } = place(server, {
      lookup: async () => {
        looking.resolve()
        await known.promise
        return [{ address: '127.0.0.1', family: 4 }]
      }
    })
    const leave = new AbortController()
    const { end } = call({ signal: leave.signal })
    await looking.promise
    leave.abort()
    expect(await end).toMatchObject({ outcome: 'aborted', wasSent: false })
    known.resolve()
    await outbound.close()
    expect(requests).toBe(0)
  })

  it('before the head: the upstream sees the connection close at once', async () => {
    const arrived = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req) => {
      req.socket.once('close', () => gone.resolve())
      arrived.resolve()
    })
    const leave = new AbortController()
    const { end } = call({ signal: leave.signal })
    await arrived.promise
    const startedMs = performance.now()
    leave.abort()
    expect(await end).toMatchObject({ outcome: 'aborted', wasSent: true, firstByteMs: null })
    await gone.promise
    expect(performance.now() - startedMs).toBeLessThan(200)
  })

  it.each([true, false])('mid-stream, reader reading %s: the same', async (isReading) => {
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req, res) => {
      req.socket.once('close', () => gone.resolve())
      res.write('data: 1\n\n')
    })
    const leave = new AbortController()
    const first = Promise.withResolvers<void>()
    const onData = () => {
      first.resolve()
      return isReading
    }
    const { end } = call({ signal: leave.signal }, { onData })
    await first.promise
    const startedMs = performance.now()
    leave.abort()
    expect((await end).outcome).toBe('aborted')
    await gone.promise
    expect(performance.now() - startedMs).toBeLessThan(200)
  })

  it('by the sink’s own control: the same', async () => {
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req, res) => {
      req.socket.once('close', () => gone.resolve())
      res.write('x')
    })
    let control: StreamControl | undefined
    const { end } = call(
      {},
      {
        onStart: (given) => {
          control = given
        },
        onData: () => {
          control?.abort()
          return false
        }
      }
    )
    expect((await end).outcome).toBe('aborted')
    await gone.promise
  })
})

it('F38 early leavers leave no socket behind', async () => {
  const { call, server, outbound } = await upstream((_req, res) => res.write('x'))
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const leave = new AbortController()
      const onHead = () => {
        leave.abort()
        return 'stream' as const
      }
      const { end } = call({ signal: leave.signal }, { onHead })
      if (i % 2 === 0) leave.abort()
      expect((await end).outcome).toBe('aborted')
    })
  )
  await outbound.close() // resolves only when no exchange is left
  expect(server.connections()).toBeLessThanOrEqual(100)
})

it('H6 a name whose resolver hangs is asked for once, however many wait for it', async () => {
  let lookups = 0
  const known = Promise.withResolvers<void>()
  const server = await httpsServer((_req, res) => res.end('fine'))
  const { call } = place(server, {
    lookup: async () => {
      lookups += 1
      await known.promise
      return [{ address: '127.0.0.1', family: 4 }]
    }
  })
  const ends = Array.from({ length: 50 }, () => call().end)
  await expect.poll(() => lookups).toBe(1)
  known.resolve()
  for (const end of await Promise.all(ends)) expect(end.outcome).toBe('complete')
  expect(lookups).toBe(1)
})
