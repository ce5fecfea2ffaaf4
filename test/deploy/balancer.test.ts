import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { exchange } from '../http/sockets.ts'
import { type ReplicaProcess, startReplica, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { expectEventsOneByOne, expectEveryByte, headersOf } from './passing.ts'
import { findProgram } from './program.ts'
import { type Shipped, startHaproxy } from './shipped.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const haproxy = findProgram('haproxy')
if (haproxy === null) process.stderr.write('skipped, no HAProxy: replicas behind the balancer\n')

describe.skipIf(haproxy === null)('two replicas behind the balancer as it is shipped', () => {
  let world: VaultWorld
  let upstream: Upstream
  let replicas: ReplicaProcess[]
  let balancer: Shipped
  let fabricId: FabricId
  let session: string
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    upstream = await startUpstream()
    world = await createVaultWorld()
    const origins = `${world.server.origin},${upstream.origin}`
    env = { WEFT_EXTRA_WORKSPACE_ORIGINS: origins, WEFT_TRUSTED_PROXIES: '127.0.0.0/8' }
    replicas = await startReplicas(world, 2, { env })
    balancer = await startHaproxy(
      haproxy ?? '',
      replicas.map(({ port }) => port)
    )
    fabricId = await world.seedFabric(undefined, upstream.origin)
    const grant = { lifeMs: 50 * 60_000, workspaceOrigin: upstream.origin }
    const { userId } = await world.seedGrant(grant)
    session = await world.rows.session(world.seeded.tenantId, userId)
    await untilReady(2)
  }, 120_000)

  afterAll(async () => {
    await balancer?.stop()
    await Promise.all(replicas.map((replica) => replica.stop()))
    await world.close()
    await upstream.close()
  }, 120_000)

  const call = (more: Readonly<Record<string, string>> = {}) =>
    request({
      host: '127.0.0.1',
      port: balancer.port,
      method: 'POST',
      path: `/fabrics/${fabricId}/serving-endpoints/probe/invocations`,
      agent: false,
      headers: { ...headersOf(session), ...more }
    })

  async function ask(body: Buffer | string = '{}'): Promise<IncomingMessage> {
    const sent = call()
    sent.end(body)
    const [answer] = await once(sent, 'response')
    return answer
  }

  /** Until so many replicas have answered, of those that the balancer knows to be ready. */
  async function untilReady(count: number) {
    const own = () => balancer.output().match(/replicas\/weft-\d (is UP|is DOWN)/g) ?? []
    for (let asked = 0; asked < 600; asked += 1) {
      const down = own().filter((line) => line.endsWith('DOWN')).length
      const up = own().filter((line) => line.endsWith('UP')).length
      if (2 - down + up >= count) return
      await pause(50)
    }
  }

  test('F8 events arrive one by one, each before the next is sent', async () => {
    await expectEventsOneByOne(upstream, ask)
  })

  test.each(['before the answer', 'in the middle of a stream'])(
    'H3 a caller who hangs up %s ends the call at the workspace',
    async (when) => {
      const arrived = Promise.withResolvers<void>()
      const aborted = Promise.withResolvers<void>()
      upstream.answer = (_req, res) => {
        res.once('close', () => aborted.resolve())
        if (when !== 'before the answer') res.write('data: 1\n\n')
        arrived.resolve()
      }
      const sent = call()
      sent.on('error', () => undefined).end('{}')
      await arrived.promise
      if (when !== 'before the answer') await once(sent, 'response')
      sent.destroy()
      await aborted.promise
    }
  )

  test('F8 16 MiB go up and come down byte for byte', async () => {
    await expectEveryByte(upstream, ask)
  })

  test('F6 what a caller says of where it comes from is not believed', async () => {
    upstream.answer = (_req, res) => res.end('{}')
    const sent = call({ 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' })
    sent.end('{}')
    const [answer]: [IncomingMessage] = (await once(sent, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(200)
    answer.resume()
  })

  test('H4 H5 while one replica leaves and comes back, no call fails', async () => {
    upstream.answer = (req, res) => {
      req.resume().once('end', () => res.end('{"ok":true}'))
    }
    const statuses: Record<string, number> = {}
    let isOver = false
    const caller = async () => {
      while (!isOver) {
        const answer = await ask().catch((err: unknown) => String(err))
        const status = typeof answer === 'string' ? answer : String(answer.statusCode)
        statuses[status] = (statuses[status] ?? 0) + 1
        if (typeof answer !== 'string') await text(answer).catch(() => undefined)
      }
    }
    const callers = Array.from({ length: 4 }, caller)
    const [leaving] = replicas
    const port = leaving?.port ?? 0
    await pause(1_500) // It has been asked whether it is ready, more than once.
    expect(await leaving?.stop()).toBe(0)
    const other = statuses['200'] ?? 0
    replicas[0] = await startReplica(world, { env: { ...env, WEFT_PORT: String(port) } })
    await pause(1_500)
    isOver = true
    await Promise.all(callers)
    expect(Object.keys(statuses)).toEqual(['200'])
    expect(statuses['200']).toBeGreaterThan(other)
  }, 120_000)

  test.each([
    ['length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
    ['a signed length', 'Content-Length: +5'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['another coding', 'Transfer-Encoding: xchunked'],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, identity'],
    ['a bare carriage return', 'X-A: 1\rTransfer-Encoding: chunked']
  ])('F4 %s: no second request comes out of the first', async (_name, headers) => {
    const head = `POST /api/v1/fabrics HTTP/1.1\r\nHost: weft.test\r\n${headers}\r\n\r\n`
    const hidden = 'GET /smuggled HTTP/1.1\r\nHost: weft.test\r\n\r\n'
    const answer = await exchange(balancer.port, `${head}0\r\n\r\n${hidden}`)
    expect(answer).toMatch(/^HTTP\/1\.[01] (400|401|501) /)
    expect(answer.match(/^HTTP\/1\.[01] /gm)?.length).toBeLessThanOrEqual(2)
    expect(answer).not.toMatch(/ 200 /)
  })

  test('I1 the balancer logs neither paths nor queries', () => {
    expect(balancer.output()).not.toMatch(/invocations|fab_|smuggled/)
    expect(balancer.output()).toMatch(/ POST 200 /)
  })
})
