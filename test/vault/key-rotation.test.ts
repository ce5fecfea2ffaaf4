import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { type StopPoint, startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { runWeft } from '../support/weft-command.ts'

/** Real processes: two that serve under load, and the operator's command, which is killed again and again. */
let world: VaultWorld
let folder: string
let ringFile: string
let replicas: ReplicaProcess[] = []
let fabricId: FabricId
const fresh = `new:${randomBytes(32).toString('base64')}`

beforeAll(async () => {
  world = await createVaultWorld()
  folder = await mkdtemp(join(tmpdir(), 'weft-ring-'))
  ringFile = join(folder, 'ring')
  await writeFile(ringFile, world.keyRing)
  fabricId = await world.seedFabric()
  for (let count = 0; count < 12; count += 1) {
    const { tenantId } = await world.rows.tenant(`t${randomBytes(5).toString('hex')}`)
    const scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
    await world.own.strongbox.prepare(scope)
  }
  replicas = await startReplicas(world, 2, {
    env: { WEFT_KEY_RING: '', WEFT_KEY_RING_FILE: ringFile, WEFT_LOG_LEVEL: 'info' }
  })
}, 120_000)

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await world?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
}, 60_000)

const weft = (line: string, url = world.database.appUrl) =>
  runWeft(line.split(' '), { WEFT_DATABASE_URL: url, WEFT_KEY_RING_FILE: ringFile })
const kidsInUse = async () =>
  (
    await world.sql<{ kid: string }>('SELECT DISTINCT kek_kid AS kid FROM data_keys ORDER BY 1')
  ).map(({ kid }) => kid)

test('C7 F32 rotated under load, killed at every step, without a restart and without one failed call', async () => {
  const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  const session = await world.rows.session(world.seeded.tenantId, userId)
  const failures: string[] = []
  let calls = 0
  let isLoaded = true
  const load = replicas.map(async (replica) => {
    while (isLoaded) {
      await delay(100)
      const answer = await replica.ask(session, fabricId)
      calls += 1
      if (answer.status !== 200) failures.push(`${answer.status} ${answer.code}`)
    }
  })

  await writeFile(ringFile, `${fresh},${world.keyRing}\n`)
  const points: StopPoint[] = [
    { seen: /INSERT INTO .*key_encryption_keys/, hold: 'commit' },
    { seen: /UPDATE .*data_keys/, hold: 'request', skip: 3 },
    { seen: /DELETE FROM .*key_encryption_keys/, hold: 'request' }
  ]
  for (const point of points) {
    const proxy = await startFaultProxy(targetOf(world.database.appUrl))
    const stop = proxy.stopAt(point)
    const run = weft('keys rotate --wait 60', viaPort(world.database.appUrl, proxy.port))
    await stop.reached
    run.child.kill('SIGKILL')
    await run.ended
    stop.cut()
    await proxy.close()
  }
  const { code, out, err } = await weft('keys rotate --json').ended
  expect([code, err]).toEqual([0, expect.stringContaining('verified: new wraps everything')])
  expect(JSON.parse(out)).toMatchObject({ to: 'new', replicas: 2, retired: ['test'] })
  expect(await kidsInUse()).toEqual(['new'])

  // The old key is taken out, and nobody restarts.
  await writeFile(ringFile, fresh)
  const status = await weft('keys status --json').ended
  expect(JSON.parse(status.out)).toMatchObject({
    sealingKid: 'new',
    keys: [{ kid: 'new', state: 'seals', isInRing: true, missingOn: [] }],
    replicas: [{ sealingKid: 'new' }, { sealingKid: 'new' }]
  })
  isLoaded = false
  await Promise.all(load)
  expect({ calls: calls > 20, failures }).toEqual({ calls: true, failures: [] })
}, 240_000)

test('C8 F32 without the key a server does not start, and names the fingerprint that it needs', async () => {
  const fingerprint = createHash('sha256')
    .update('weft-kek\0')
    .update(Buffer.from(fresh.slice(4), 'base64'))
    .digest('hex')
    .slice(0, 16)
  const env = { WEFT_DATABASE_URL: world.database.appUrl, WEFT_PORT: '0', WEFT_ADMIN_PORT: '0' }
  const { code, err } = await runWeft([], { ...env, WEFT_KEY_RING: world.keyRing }).ended
  expect(code).toBe(1)
  expect(err).toContain(`the key ring lacks key "new", fingerprint ${fingerprint}`)
  const other = `new:${randomBytes(32).toString('base64')}`
  const wrong = await runWeft(['keys', 'status'], { ...env, WEFT_KEY_RING: other }).ended
  expect(wrong.code).toBe(1)
  expect(wrong.err).toContain(`fingerprint ${fingerprint}`)
  for (const text of [err, wrong.err]) expect(text).not.toContain(other.slice(4))
}, 60_000)
