import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { type FabricId, newId, type UserId } from '../../src/base/ids.ts'
import type { App } from '../../src/http/route.ts'
import { call, listen } from '../http/sockets.ts'
import { createTestGateway, type TestGateway } from '../support/vault-world/gateway.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

const host = 'weft.test'
const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
const query = 'POST /serving-endpoints/probe/invocations'
let world: VaultWorld
let gateway: TestGateway
let app: App
let port: number
let fabricId: FabricId
let otherId: FabricId
let userId: UserId
let accessToken: string

/** The whole app on real rooms; fabrics whose service principal is for the whole team. */
beforeAll(async () => {
  world = await createVaultWorld()
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  fabricId = await world.seedFabric(principal)
  otherId = await world.seedFabric()
  gateway = createTestGateway(world)
  app = await buildApp({
    ...gateway.rooms,
    slowClients: { bodies: 0, readers: 0 },
    publicUrl: `https://${host}`,
    fabricDomain: null,
    trustedProxies: [],
    readiness: async () => [],
    logger: pino({ level: 'silent' }),
    clock: world.clock,
    newRequestId: randomUUID
  })
  port = await listen(app)
})
beforeEach(async () => {
  ;({ userId, accessToken } = await world.seedGrant({ lifeMs: 50 * 60_000 }))
})
afterAll(async () => {
  await app?.close()
  await gateway?.close()
  await world?.close()
})

type Narrowed = Parameters<VaultWorld['rows']['personalToken']>[2]

const newToken = (narrowed?: Narrowed) =>
  world.rows.personalToken(world.seeded.tenantId, userId, narrowed)

/** @param what `METHOD /path`, of the fabric unless it is below `/api/v1` */
async function ask(
  token: string,
  what: string,
  { fabric = fabricId, ...headers }: Record<string, string> = {}
) {
  const [method = '', below = ''] = what.split(' ')
  const path = below.startsWith('/api/v1/') ? below : `/fabrics/${fabric}${below}`
  const all = { host, authorization: `Bearer ${token}`, ...headers }
  const answer = await call(port, { method, path, headers: all }, method === 'POST' ? '{}' : '')
  const text = answer.body.toString()
  return { status: answer.status, headers: answer.headers, body: text && JSON.parse(text) }
}

describe('a personal access token on the data plane', () => {
  test('acts as its person, with their own sign-in, and never reaches the workspace itself', async () => {
    const token = await newToken()
    const { status, headers, body } = await ask(token, query)
    expect([status, headers['x-weft-identity']]).toEqual([200, 'user'])
    expect(body).toMatchObject({ as: `${userId}@workspace.test` })
    expect(world.server.apiCalls.at(-1)).toBe(accessToken)
    expect(world.server.apiCalls).not.toContain(token)
  })

  test('is on record as the person, with the token’s own id', async () => {
    const token = await newToken()
    await ask(token, query)
    await gateway.rooms.records.flush()
    const [row] = await world.sql<Record<string, string>>(
      `SELECT r.actor_kind, r.actor_id, r.on_behalf_of, t.user_id FROM call_records r
         JOIN personal_tokens t ON t.id = r.key_id WHERE r.actor_id = $1`,
      [userId]
    )
    expect(row).toEqual({
      actor_kind: 'user',
      actor_id: userId,
      on_behalf_of: userId,
      user_id: userId
    })
  })

  test('D4 never acts as the service principal, though its person may, and whatever is remembered of them', async () => {
    const [token, session] = [
      await newToken(),
      await world.rows.session(world.seeded.tenantId, userId)
    ]
    const asked = { 'x-weft-act-as': 'service_principal' }
    const cookie = `__Host-weft_session=${session}`
    const browser = { host, cookie, origin: `https://${host}`, 'x-weft-csrf': '1', ...asked }
    const path = `/fabrics/${fabricId}/serving-endpoints/probe/invocations`
    const own = await call(port, { method: 'POST', path, headers: browser }, '{}')
    expect(own.headers['x-weft-identity']).toBe('service_principal')
    const { status, body } = await ask(token, query, asked)
    expect([status, body.code]).toEqual([403, 'forbidden'])
  })

  test('of reading alone finds out what there is, and asks nothing', async () => {
    const token = await newToken({ access: 'read' })
    for (const path of ['/api/2.0/serving-endpoints', '/api/2.1/clusters/list']) {
      expect([path, (await ask(token, `GET ${path}`)).status]).toEqual([path, 200])
    }
    const statement = '01ef0000-0000-1000-8000-000000000000'
    const refused = [
      query,
      'POST /api/2.0/sql/statements',
      `GET /api/2.0/sql/statements/${statement}`,
      'GET /api/2.1/jobs/runs/get-output',
      'POST /api/2.1/clusters/start'
    ]
    const asked = world.server.apiCalls.length
    for (const what of refused) {
      const { status, body } = await ask(token, what)
      expect([what, status, body.code]).toEqual([what, 403, 'forbidden'])
    }
    expect(world.server.apiCalls.length).toBe(asked)
  })

  test('for some fabrics reaches no other, whatever its person was let into before', async () => {
    const [all, one] = [await newToken(), await newToken({ fabricIds: [fabricId] })]
    expect((await ask(all, query, { fabric: otherId })).status).toBe(200)
    expect((await ask(one, query)).status).toBe(200)
    const other = await ask(one, query, { fabric: otherId })
    const missing = await ask(one, query, { fabric: newId('fabric', world.clock) })
    expect([other.status, other.body.code]).toEqual([403, 'forbidden'])
    expect(other.body.detail).toBe(missing.body.detail)
  })

  test('of somebody who has not signed in: 409, with where to', async () => {
    userId = await world.rows.user(world.seeded)
    const { status, body } = await ask(await newToken(), query)
    expect([status, body.code]).toEqual([409, 'sign_in_needed'])
    expect(body.actionUrl).toBe(`https://${host}/sign-in/${fabricId}`)
  })

  test('D13 is dead with the place in the team, and with the membership', async () => {
    const { teams, members } = gateway.rooms.identity
    const { scope, seeded } = world
    const token = await newToken()
    expect((await ask(token, query)).status).toBe(200)
    await teams.removeMember(scope, seeded.teamId, userId)
    expect((await ask(token, query)).status).toBe(404)
    await teams.putMember(scope, seeded.teamId, userId, 'member')
    expect((await ask(token, query)).status).toBe(200)
    await members.update(scope, userId, { status: 'suspended', version: 1 })
    expect((await ask(token, query)).status).toBe(401)
  })
})

describe('a personal access token on the management API', () => {
  test('of reading or asking lists the fabrics of its person', async () => {
    for (const access of ['read', 'query'] as const) {
      const { status, body } = await ask(await newToken({ access }), 'GET /api/v1/fabrics')
      const ids = body.items.map(({ id }: { id: string }) => id)
      expect([status, ids.toSorted()]).toEqual([200, [fabricId, otherId].toSorted()])
    }
  })

  test('for some fabrics sees those alone, and nothing that has to do with none', async () => {
    const token = await newToken({ fabricIds: [fabricId] })
    const { body } = await ask(token, 'GET /api/v1/fabrics')
    expect(body.items).toMatchObject([{ id: fabricId }])
    expect((await ask(token, `GET /api/v1/fabrics/${fabricId}`)).status).toBe(200)
    expect((await ask(token, `GET /api/v1/fabrics/${fabricId}/usage`)).status).toBe(200)
    expect((await ask(token, `GET /api/v1/fabrics/${fabricId}/connection`)).status).toBe(200)
    for (const path of [`/api/v1/fabrics/${otherId}`, `/api/v1/fabrics/${otherId}/usage`]) {
      expect([path, (await ask(token, `GET ${path}`)).status]).toEqual([path, 403])
    }
    for (const path of ['/api/v1/teams', '/api/v1/tokens']) {
      expect([path, (await ask(token, `GET ${path}`)).status]).toEqual([path, 403])
    }
    expect((await ask(await newToken(), 'GET /api/v1/teams')).status).toBe(200)
  })
})
