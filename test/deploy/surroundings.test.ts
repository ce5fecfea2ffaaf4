import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { json, text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { frontCa } from '../support/tls-front.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { expectEventsOneByOne, expectEveryByte, headersOf } from './passing.ts'
import { findProgram } from './program.ts'
import { type Shipped, startNginx, startPgBouncer } from './shipped.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const nginx = findProgram('nginx')
const isThere = nginx !== null && findProgram('pgbouncer') !== null
if (!isThere) process.stderr.write('skipped, no nginx and PgBouncer: Weft between the two\n')

interface Asked {
  readonly body?: Buffer | string
  readonly as?: string
  readonly headers?: Readonly<Record<string, string>>
}

describe.skipIf(!isThere)('two replicas between nginx and PgBouncer as they are shipped', () => {
  let world: VaultWorld
  let upstream: Upstream
  let pooler: Shipped
  let replicas: ReplicaProcess[]
  let front: Shipped
  const fabricIds: Record<'upstream' | 'world', FabricId | undefined> = {
    upstream: undefined,
    world: undefined
  }
  let session: string

  beforeAll(async () => {
    upstream = await startUpstream()
    world = await createVaultWorld()
    const bouncer = await startPgBouncer(world.database.appUrl)
    pooler = bouncer
    const origins = `${world.server.origin},${upstream.origin}`
    replicas = await startReplicas(world, 2, {
      via: () => bouncer.url,
      env: { WEFT_EXTRA_WORKSPACE_ORIGINS: origins, WEFT_TRUSTED_PROXIES: '127.0.0.0/8' }
    })
    front = await startNginx(
      nginx ?? '',
      replicas.map(({ port }) => `http://127.0.0.1:${port}`)
    )
    fabricIds.upstream = await world.seedFabric(undefined, upstream.origin)
    fabricIds.world = await world.seedFabric()
    const lifeMs = 50 * 60_000
    const { userId } = await world.seedGrant({ lifeMs, workspaceOrigin: upstream.origin })
    session = await world.rows.session(world.seeded.tenantId, userId)
  }, 120_000)

  afterAll(async () => {
    await front?.stop()
    await Promise.all(replicas.map((replica) => replica.stop()))
    await pooler?.stop()
    await world.close()
    await upstream.close()
  }, 120_000)

  async function ask(
    path: string,
    { body = '{}', as = session, headers = {} }: Asked = {}
  ): Promise<IncomingMessage> {
    const sent = request({
      host: '127.0.0.1',
      port: front.port,
      servername: 'weft.test',
      ca: frontCa,
      checkServerIdentity: () => undefined,
      method: 'POST',
      path,
      agent: false,
      headers: { ...headersOf(as), ...headers }
    })
    sent.end(body)
    const [answer] = await once(sent, 'response')
    return answer
  }

  /** As a client does: whom a busy replica turns away comes again when it was told to. */
  async function askPatiently(path: string, asked: Asked): Promise<IncomingMessage> {
    for (;;) {
      const answer = await ask(path, asked)
      if (answer.statusCode !== 503) return answer
      answer.resume()
      await delay(Number(answer.headers['retry-after']) * 1_000)
    }
  }

  const invocation = (at: keyof typeof fabricIds) =>
    `/fabrics/${fabricIds[at]}/serving-endpoints/probe/invocations`

  test('F40 events arrive one by one, each before the next is sent', async () => {
    await expectEventsOneByOne(upstream, () => ask(invocation('upstream')))
  })

  test('F40 16 MiB go up and come down byte for byte', async () => {
    await expectEveryByte(upstream, (body) => ask(invocation('upstream'), { body }))
  })

  test('F6 what a caller says of where it comes from is not believed, and nginx notes no path', async () => {
    upstream.answer = (_req, res) => res.end('{}')
    const headers = { 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' }
    const answer = await ask(`${invocation('upstream')}?code=secret`, { headers })
    expect(answer.statusCode).toBe(200)
    await text(answer)
    await expect.poll(front.output).toMatch(/ POST 200 /)
    expect(front.output()).not.toMatch(/invocations|fab_|secret/)
  })

  test('F42 thirty people with expired tokens at once: each is renewed once, over pooled connections', async () => {
    const people = await Promise.all(Array.from({ length: 30 }, () => world.seedGrant()))
    const served = await Promise.all(
      people.map(async ({ userId }) => {
        const as = await world.rows.session(world.seeded.tenantId, userId)
        return await json(await askPatiently(invocation('world'), { as }))
      })
    )
    expect(served).toEqual(
      people.map(({ userId }) => expect.objectContaining({ as: `${userId}@workspace.test` }))
    )
    expect(people.map(({ family }) => family.redemptions)).toEqual(people.map(() => 1))
    expect(pooler.output()).not.toMatch(/password|ERROR|FATAL/)
  })
})
