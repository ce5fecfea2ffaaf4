import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildApp } from '../../src/app.ts'
import type { FabricId } from '../../src/base/ids.ts'
import type { TokenTarget } from '../../src/identity/identity.ts'
import { call, listen } from '../http/sockets.ts'
import { statementsOf, trafficOf } from '../support/statements.ts'
import { createTestGateway, type TestGateway } from '../support/vault-world/gateway.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

const publicHost = 'weft.test'
const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
let world: VaultWorld
let gateway: TestGateway
let port: number
let fabricId: FabricId
let serviceKey: string
let asCaller: Record<
  'serviceKey' | 'serviceToken' | 'personalToken' | 'session',
  Record<string, string>
>

const closing: (() => Promise<void>)[] = []

/** The app as the process builds it, but for the clockwork: what it would write is written when told to. */
async function start(): Promise<{ gateway: TestGateway; port: number }> {
  const gateway = createTestGateway(world)
  const app = await buildApp({
    ...gateway.rooms,
    slowClients: { bodies: 0, readers: 0 },
    publicUrl: `https://${publicHost}`,
    fabricDomain: 'fabrics.test',
    trustedProxies: [],
    readiness: async () => [],
    logger: pino({ level: 'silent' }),
    clock: world.clock,
    newRequestId: randomUUID
  })
  closing.push(async () => {
    await app.close()
    await gateway.close()
  })
  return { gateway, port: await listen(app) }
}

beforeAll(async () => {
  world = await createVaultWorld()
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  fabricId = await world.seedFabric(principal)
  ;({ gateway, port } = await start())
  const { tenantId } = world.seeded
  const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  serviceKey = await world.rows.serviceKey(tenantId, [fabricId])
  const session = await world.rows.session(tenantId, userId)
  asCaller = {
    serviceKey: { authorization: `Bearer ${serviceKey}` },
    serviceToken: { authorization: `Bearer ${await serviceToken()}` },
    personalToken: {
      authorization: `Bearer ${await world.rows.personalToken(tenantId, userId)}`
    },
    session: {
      cookie: `__Host-weft_session=${session}`,
      origin: `https://${publicHost}`,
      'x-weft-csrf': '1'
    }
  }
})
afterAll(async () => {
  for (const close of closing) await close()
  await world?.close()
})

async function serviceToken(target: TokenTarget | null = null): Promise<string> {
  const [account] = await world.sql<{ id: string }>('SELECT id FROM service_accounts')
  const { accessToken } = await gateway.rooms.identity.serviceTokens.issue({
    serviceAccountId: account?.id ?? '',
    serviceKey,
    tenantSlug: null,
    target,
    source: '192.0.2.1',
    requestId: 'request-1'
  })
  return accessToken
}

async function ask(headers: Record<string, string>, host = publicHost, at = port): Promise<void> {
  const prefix = host === publicHost ? `/fabrics/${fabricId}` : ''
  const path = `${prefix}/serving-endpoints/probe/invocations`
  const options = { method: 'POST', path, headers: { host, ...headers } }
  const { status, body } = await call(at, options, '{"inputs":[1]}')
  expect(body.toString()).toContain('/serving-endpoints/probe/invocations')
  expect(status).toBe(200)
}

async function isWarmWithoutQuery(once: () => Promise<void>): Promise<void> {
  expect(await statementsOf(once), 'the counter counts').not.toEqual([])
  await once()
  await gateway.rooms.records.flush()
  const warm = async () => {
    for (let n = 0; n < 10; n += 1) await once()
  }
  expect(await statementsOf(warm)).toEqual([])
  expect(gateway.rooms.records.size, 'each is on record').toBe(10)
  expect(await statementsOf(() => gateway.rooms.records.flush())).not.toEqual([])
  expect(await statementsOf(once), 'and the records make nobody forget').toEqual([])
}

test.each(['serviceKey', 'serviceToken', 'personalToken', 'session'] as const)(
  'zero database queries on a warm call of the data plane, by %s; its record is written apart, in a batch',
  (caller) => isWarmWithoutQuery(() => ask(asCaller[caller]))
)

test("zero database queries on a warm call at a fabric's own host", async () => {
  const [names] = await world.sql<{ host: string }>(
    `SELECT fabrics.slug || '--' || tenants.slug AS host FROM fabrics
       JOIN tenants ON tenants.id = fabrics.tenant_id`
  )
  await isWarmWithoutQuery(() => ask(asCaller.serviceKey, `${names?.host}.fabrics.test`))
})

test('a token that is bound to a fabric serves there, and at another is 403, whether or not there is one', async () => {
  const token = await serviceToken({ fabricId })
  const headers = { host: publicHost, authorization: `Bearer ${token}` }
  await isWarmWithoutQuery(() => ask(headers))
  for (const id of [`fab_${'0'.repeat(26)}`, await world.seedFabric(principal)]) {
    const path = `/fabrics/${id}/serving-endpoints/probe/invocations`
    const answer = await call(port, { method: 'POST', path, headers }, '{}')
    expect(answer.status).toBe(403)
    expect(answer.headers['x-weft-problem']).toBe('forbidden')
  }
})

test.each([
  ['serviceKey', 4],
  ['serviceToken', 6],
  ['personalToken', 4],
  ['session', 4]
] as const)(
  'a process that has nothing in memory answers by %s with %i round trips to the database at most, while the token lives',
  async (caller, roundTripsMax) => {
    await ask(asCaller[caller])
    const cold = await start()
    const traffic = await trafficOf(() => ask(asCaller[caller], publicHost, cold.port))
    expect(traffic.roundTrips).toBeLessThanOrEqual(roundTripsMax)
    expect(cold.gateway.rooms.records.size).toBe(1)
  }
)
