import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { sealedPrefixOf } from '../../src/crypto/envelope.ts'
import { textOfDatabase } from '../support/canary.ts'
import { type StopPoint, startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { type ReplicaProcess, startReplica } from '../support/replicas.ts'
import { createVaultWorld, type SeededGrant, type VaultWorld } from '../support/vault-world.ts'
import { runWeft } from '../support/weft-command.ts'

/** Real processes: one that serves under load, and the operator's command, which is killed again and again. */
let world: VaultWorld
let replica: ReplicaProcess
let fabricId: FabricId
let grants: SeededGrant[]
const idle: SeededGrant[] = []

beforeAll(async () => {
  world = await createVaultWorld()
  fabricId = await world.seedFabric({ clientId: 'sp', clientSecret: 'canary-principal-secret' })
  grants = [await world.seedGrant(), await world.seedGrant(), await world.seedGrant()]
  // Nobody uses these, so that only the rotation seals them anew.
  for (let count = 0; count < 8; count += 1) idle.push(await world.seedGrant())
  await world.seedClientSecret('canary-second-secret', 'previous')
  replica = await startReplica(world, { env: { WEFT_LOG_LEVEL: 'info' } })
}, 120_000)
afterAll(async () => {
  await replica?.stop()
  await world?.close()
}, 60_000)

const rotate = (url = world.database.appUrl) =>
  runWeft(['keys', 'rotate', '--data', '--tenant', world.scope.tenantId, '--json'], {
    WEFT_DATABASE_URL: url,
    WEFT_KEY_RING: world.keyRing
  })
const dataKeys = () =>
  world.sql<{ id: string; retired_at: Date | null }>(
    'SELECT id, retired_at FROM data_keys WHERE tenant_id = $1 ORDER BY id',
    [world.scope.tenantId]
  )

/** In their order; each is reached by the run that goes on where the one before it was killed. */
const points: readonly StopPoint[] = [
  { seen: /INSERT INTO .*data_keys/, hold: 'commit' },
  { seen: /weft_replace_sealed/, hold: 'request', skip: 1 },
  { seen: /weft_replace_sealed/, hold: 'commit', skip: 2 },
  { seen: /UPDATE .*data_keys.* SET .*retired_at/, hold: 'request' }
]

test('C7 F32 a data key rotates under load, killed at every step, and ends with one key that seals everything', async () => {
  const sessions = await Promise.all(
    grants.map(({ userId }) => world.rows.session(world.seeded.tenantId, userId))
  )
  const failures: string[] = []
  let calls = 0
  let isLoaded = true
  onTestFinished(() => {
    isLoaded = false
  })
  const load = sessions.map(async (session) => {
    while (isLoaded) {
      await delay(250)
      const answer = await replica.ask(session, fabricId)
      calls += 1
      if (answer.status !== 200) failures.push(`${answer.status} ${answer.code}`)
    }
  })
  const [old] = await dataKeys()

  for (const point of points) {
    const proxy = await startFaultProxy(targetOf(world.database.appUrl))
    const stop = proxy.stopAt(point)
    const run = rotate(viaPort(world.database.appUrl, proxy.port))
    const end = await Promise.race([stop.reached, run.ended])
    expect(end, `${point.seen} is reached`).toBeUndefined()
    run.child.kill('SIGKILL')
    await run.ended
    stop.cut()
    await proxy.close()
    // Half of it is sealed with either key, and every token is renewed with what is there.
    world.server.books.killAccessTokens()
  }
  const { code, out, err } = await rotate().ended
  expect([code, err]).toEqual([0, expect.stringContaining('new data key')])
  const keys = await dataKeys()
  expect(keys).toMatchObject([
    { id: old?.id, retired_at: expect.any(Date) },
    { id: JSON.parse(out).dataKeyId, retired_at: null }
  ])
  expect(JSON.parse(out)).toMatchObject({ retired: [old?.id] })
  expect(await textOfDatabase(world.database)).not.toContain(sealedPrefixOf(old?.id ?? ''))

  world.server.books.killAccessTokens()
  const answers = await Promise.all(sessions.map((session) => replica.ask(session, fabricId)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  isLoaded = false
  await Promise.all(load)
  expect({ calls: calls > 20, failures }).toEqual({ calls: true, failures: [] })
  for (const { grantId } of [...grants, ...idle]) {
    expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
  }
}, 240_000)
