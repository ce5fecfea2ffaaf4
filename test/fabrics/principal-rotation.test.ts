import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { publicUrl, type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
let replicas: ReplicaProcess[]
let fabricId: FabricId
let session: string
const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
const nextSecret = `canary-sp-${randomUUID()}`

beforeAll(async () => {
  world = await createVaultWorld()
  replicas = await startReplicas(world, 2)
  fabricId = await world.seedFabric(principal)
  const userId = await world.rows.user(world.seeded)
  await world.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [userId])
  session = await world.rows.session(world.seeded.tenantId, userId)
}, 120_000)
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await world.close()
}, 120_000)

/** One call of an admin, at one replica. */
function call(at: number, method: string, path: string, body?: object): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port: replicas[at]?.port,
      method,
      path,
      headers: {
        host: new URL(publicUrl).host,
        origin: publicUrl,
        cookie: `__Host-weft_session=${session}`,
        'x-weft-csrf': '1',
        'x-weft-act-as': 'service_principal',
        ...(body && { 'content-type': 'application/json' })
      }
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      text(response).then((words) => resolve([response.statusCode ?? 0, words]), reject)
    })
    sent.end(body && JSON.stringify(body))
  })
}

const fabricPath = () => `/api/v1/fabrics/${fabricId}`
const ask = (at: number) =>
  call(at, 'POST', `/fabrics/${fabricId}/serving-endpoints/probe/invocations`, { inputs: [1] })
const accept = (...secrets: string[]) =>
  void world.server.clients.set(principal.clientId, new Set(secrets))

/** The token is at its end: the next call on any replica asks for another. @returns which secrets were shown */
async function renew(): Promise<Set<string>> {
  const { requests } = world.server
  const before = requests.length
  await world.sql('UPDATE grant_tokens SET access_expires_at = now()')
  await world.sql('UPDATE tenants SET version = version + 1')
  await expect.poll(() => requests.length, { timeout: 10_000 }).toBeGreaterThan(before)
  await Promise.all([ask(0), ask(1)])
  return new Set(requests.slice(before).map(({ clientSecret }) => clientSecret))
}

async function secretsAt(at: number) {
  const [, words] = await call(at, 'GET', fabricPath())
  const shown: FabricView = JSON.parse(words) // its own shape
  return shown.servicePrincipal?.clientSecrets ?? []
}

test('under load on two replicas a secret is replaced, with no restart and not one failed call', async () => {
  accept(principal.clientSecret)
  expect((await ask(0))[0]).toBe(200)
  const load = { isOver: false, calls: 0, failed: [] as string[] }
  const caller = async (at: number) => {
    while (!load.isOver) {
      const [status, words] = await ask(at)
      load.calls += 1
      if (status !== 200) load.failed.push(`${status} ${words}`)
      await pause(25) // leaves the machine some time for the rest of the test
    }
  }
  const callers = [caller(0), caller(1)]

  // Weft is told first: the workspace does not know the new secret yet.
  const path = `${fabricPath()}/service-principal/client-secrets`
  const [added] = await call(0, 'POST', path, { clientSecret: nextSecret })
  expect(added).toBe(201)
  expect(await renew()).toEqual(new Set([nextSecret, principal.clientSecret]))
  expect((await secretsAt(1)).map(({ isSafeToDelete }) => isSafeToDelete)).toEqual([false, false])

  // The workspace knows both: the new one is used, and the old one is safe to delete on every replica.
  accept(principal.clientSecret, nextSecret)
  expect(await renew()).toEqual(new Set([nextSecret]))
  for (const at of [0, 1]) {
    expect((await secretsAt(at)).map(({ isSafeToDelete }) => isSafeToDelete)).toEqual([false, true])
  }

  // The old one is deleted, at the workspace and in Weft.
  accept(nextSecret)
  const [, old] = await secretsAt(0)
  expect((await call(1, 'DELETE', `${path}/${old?.id}`))[0]).toBe(204)
  expect(await renew()).toEqual(new Set([nextSecret]))

  load.isOver = true
  await Promise.all(callers)
  expect(load.failed).toEqual([])
  expect(load.calls).toBeGreaterThan(30)
  const written = replicas.map((replica) => replica.output()).join('')
  expect(written).not.toContain(nextSecret)
}, 60_000)
