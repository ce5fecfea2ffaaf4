import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
let replicas: ReplicaProcess[]
let fabricId: FabricId
let session: string
beforeAll(async () => {
  world = await createVaultWorld()
  replicas = await startReplicas(world, 2)
  fabricId = await world.seedFabric()
  const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  session = await world.rows.session(world.seeded.tenantId, userId)
}, 60_000)
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await world.close()
}, 60_000)

/** The real command, in a process of its own. */
async function weft(...args: string[]): Promise<{ status: string }> {
  const env = {
    PATH: process.env.PATH,
    WEFT_PUBLIC_URL: 'https://weft.test',
    WEFT_DATABASE_URL: world.database.appUrl,
    WEFT_KEY_RING: world.keyRing
  }
  const line = ['src/main.ts', ...args, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, line, { env })
  return JSON.parse(stdout)
}

/** A stream of which the workspace has sent one event and owes the rest. */
async function openStream(replica: ReplicaProcess): Promise<IncomingMessage> {
  const response = await replica.stream(session, fabricId)
  response.on('error', () => undefined)
  await once(response, 'data')
  return response
}

test('D13 A13 a tenant that the command line suspends is out on every replica within five seconds, streams included', async () => {
  for (const replica of replicas) {
    expect((await replica.ask(session, fabricId)).status).toBe(200)
  }
  world.server.apiAnswer = {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: 'data: one\n\n',
    isEndless: true
  }
  const streams = await Promise.all(replicas.map(openStream))
  const ends = streams.map(
    (stream) =>
      new Promise<number>((resolve) => stream.once('close', () => resolve(performance.now())))
  )
  world.server.apiAnswer = null

  expect(await weft('tenant', 'suspend', world.seeded.tenantId)).toMatchObject({
    status: 'suspended'
  })
  const suspendedAt = performance.now()
  for (const endedAt of await Promise.all(ends)) expect(endedAt - suspendedAt).toBeLessThan(5_000)
  for (const replica of replicas) {
    // By Weft and not by the workspace: the log says why.
    const cut = () => /"status":200,"code":"unauthenticated"/.test(replica.output())
    await expect.poll(cut, { timeout: 10_000 }).toBe(true)
    expect(await replica.ask(session, fabricId)).toMatchObject({ status: 401 })
  }

  expect(await weft('tenant', 'resume', world.seeded.tenantId)).toMatchObject({ status: 'active' })
  for (const replica of replicas) {
    await expect.poll(async () => (await replica.ask(session, fabricId)).status).toBe(200)
  }
}, 60_000)
