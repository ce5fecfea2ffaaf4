import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
let replicas: ReplicaProcess[]
let fabricId: FabricId
let admin: string
const host = 'weft.test'
const nextSecret = `canary-cs-${randomUUID()}`

beforeAll(async () => {
  world = await createVaultWorld()
  replicas = await startReplicas(world, 3)
  fabricId = await world.seedFabric()
  const userId = await world.rows.user(world.seeded)
  await world.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [userId])
  admin = await world.rows.session(world.seeded.tenantId, userId)
}, 120_000)
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await world.close()
}, 120_000)

interface Shown {
  readonly clientSecrets: readonly {
    readonly id: string
    readonly state: string
    readonly isSafeToDelete: boolean
  }[]
}

/** Of the management API, at one replica. */
function manage(at: number, method: string, rest = '', body?: object): Promise<[number, Shown]> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port: replicas[at]?.port,
      method,
      path: `/api/v1/app-connections/${world.appConnectionId}${rest}`,
      headers: {
        host,
        origin: `https://${host}`,
        cookie: `__Host-weft_session=${admin}`,
        'x-weft-csrf': '1',
        ...(body === undefined ? {} : { 'content-type': 'application/json' })
      }
    })
    call.once('error', reject)
    call.once('response', (response) => {
      const status = response.statusCode ?? 0
      if (status === 204) return resolve([status, { clientSecrets: [] }])
      json(response).then((shown) => resolve([status, shown as Shown]), reject) // its own shape
      return undefined
    })
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

const accept = (...secrets: string[]) =>
  void world.server.clients.set(world.clientId, new Set(secrets))

/** New people whose access token has ended, each asking at another replica: every call is a refresh. */
async function refreshes(count: number): Promise<{ codes: string[]; presented: Set<string> }> {
  const people: string[] = []
  for (let at = 0; at < count; at += 1) {
    const { userId } = await world.seedGrant()
    people.push(await world.rows.session(world.seeded.tenantId, userId))
  }
  const before = world.server.requests.length
  const answers = await Promise.all(
    people.map((session, at) => replicas[at % 3]?.ask(session, fabricId))
  )
  const codes = answers.map((answer) => `${answer?.status} ${answer?.code ?? 'workspace'}`)
  const presented = world.server.requests.slice(before).map(({ clientSecret }) => clientSecret)
  return { codes: [...new Set(codes)], presented: new Set(presented) }
}

const served = ['200 workspace']

test('under load on three replicas a secret is replaced, with no restart and not one failed call', async () => {
  const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  const session = await world.rows.session(world.seeded.tenantId, userId)
  const load = { isOver: false, calls: 0, failed: [] as string[] }
  const caller = async (replica: ReplicaProcess) => {
    while (!load.isOver) {
      const { status, code } = await replica.ask(session, fabricId)
      load.calls += 1
      if (status !== 200) load.failed.push(`${status} ${code}`)
      await pause(25) // leaves the machine some time for the rest of the test
    }
  }
  const callers = replicas.map(caller)

  accept(world.clientSecret)
  expect(await refreshes(3)).toEqual({ codes: served, presented: new Set([world.clientSecret]) })

  // Weft is told first: the provider does not know the new secret yet.
  const [added] = await manage(0, 'POST', '/client-secrets', { clientSecret: nextSecret })
  expect(added).toBe(201)
  const early = await refreshes(3)
  expect(early.codes).toEqual(served)
  expect(early.presented).toEqual(new Set([nextSecret, world.clientSecret]))
  const safety = async (at: number) => {
    const [, { clientSecrets }] = await manage(at, 'GET')
    return clientSecrets.map(({ state, isSafeToDelete }) => `${state} ${isSafeToDelete}`)
  }
  expect(await safety(1)).toEqual(['current false', 'previous false'])

  // The provider knows both: every replica uses the new one.
  accept(world.clientSecret, nextSecret)
  expect(await refreshes(3)).toEqual({ codes: served, presented: new Set([nextSecret]) })
  for (const at of [0, 1, 2]) expect(await safety(at)).toEqual(['current false', 'previous true'])

  // The old one is deleted, at the provider and in Weft.
  accept(nextSecret)
  const [, { clientSecrets }] = await manage(2, 'GET')
  const old = clientSecrets.find(({ state }) => state === 'previous')?.id
  expect((await manage(2, 'DELETE', `/client-secrets/${old}`))[0]).toBe(204)
  expect(await refreshes(3)).toEqual({ codes: served, presented: new Set([nextSecret]) })

  load.isOver = true
  await Promise.all(callers)
  expect(load.failed).toEqual([])
  expect(load.calls).toBeGreaterThan(30)
  expect(replicas.some((replica) => replica.output().includes(nextSecret))).toBe(false)
}, 60_000)

test('G7 an outage of the provider is no proof of the new secret', async () => {
  const third = `canary-cs-${randomUUID()}`
  expect((await manage(0, 'POST', '/client-secrets', { clientSecret: third }))[0]).toBe(201)
  world.server.always({ instead: { status: 503, body: { error: 'temporarily_unavailable' } } })
  const { presented } = await refreshes(3)
  world.server.reset()
  expect([...presented]).toEqual([third])
  const [, { clientSecrets }] = await manage(1, 'GET')
  expect(clientSecrets.map(({ isSafeToDelete }) => isSafeToDelete)).toEqual([false, false])
}, 30_000)
