import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { canariesIn, textOfDatabase } from '../support/canary.ts'
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts'
import { type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

const program = findPgBouncer()
const ways: [name: string, isWithPooler: boolean][] = [['straight to Postgres', false]]
if (program === null)
  process.stderr.write('skipped, no PgBouncer: F42 behind its transaction mode\n')
else ways.push(['F42 behind PgBouncer in transaction mode', true])

describe.each(ways)('three server processes, %s', (_name, isWithPooler) => {
  let world: VaultWorld
  let pooler: PgBouncer | null = null
  let replicas: ReplicaProcess[]
  let fabricId: FabricId
  const written = () => replicas.map((replica) => replica.output()).join('\n')

  beforeAll(async () => {
    world = await createVaultWorld()
    if (isWithPooler && program !== null) {
      pooler = await startPgBouncer(program, world.database.appUrl)
    }
    const via = pooler?.via
    replicas = await startReplicas(world, 3, via === undefined ? {} : { via })
    fabricId = await world.seedFabric()
  }, 120_000)

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()))
    await pooler?.stop()
    await world.close()
  }, 120_000)

  test('F1 G2 200 calls on each with one expired grant: one redemption, no error, the family lives', async () => {
    const { userId, grantId, family } = await world.seedGrant()
    const session = await world.rows.session(world.seeded.tenantId, userId)
    const calls = Array.from({ length: 600 }, (_, at) => replicas[at % 3]?.ask(session, fabricId))
    const answers = await Promise.all(calls)
    const counts: Record<string, number> = {}
    for (const answer of answers) {
      const name = `${answer?.status} ${answer?.code ?? 'workspace'}`
      counts[name] = (counts[name] ?? 0) + 1
    }
    const notes = [...written().matchAll(/"note":"[^"]*"/g)].map(([note]) => note)
    expect({ counts, notes: [...new Set(notes)] }).toEqual({
      counts: { '200 workspace': 600 },
      notes: []
    })
    expect(family.redemptions).toBe(1)
    expect(family.isRevoked).toBe(false)
    expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
  }, 120_000)

  test('F2 the workspace refuses the token on all three at once: one redemption, no error', async () => {
    const { userId, family } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    const session = await world.rows.session(world.seeded.tenantId, userId)
    world.server.books.killAccessTokens()
    const calls = Array.from({ length: 60 }, (_, at) => replicas[at % 3]?.ask(session, fabricId))
    const statuses = new Set((await Promise.all(calls)).map((answer) => answer?.status))
    expect([...statuses]).toEqual([200])
    expect(family.redemptions).toBe(1)
  }, 60_000)

  test('F26 the caller that began the refresh is gone: the refresh is kept', async () => {
    const { userId, grantId, family } = await world.seedGrant()
    const session = await world.rows.session(world.seeded.tenantId, userId)
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const before = world.server.requests.length
    const hangUp = new AbortController()
    const gone = replicas[0]?.ask(session, fabricId, hangUp.signal)
    await world.server.arrived(before + 1)
    hangUp.abort()
    await expect(gone).rejects.toThrow()
    const other = replicas[1]?.ask(session, fabricId)
    held.resolve()
    expect((await other)?.status).toBe(200)
    expect(family.redemptions).toBe(1)
    expect(await world.stateOf(grantId)).toMatchObject({ state: 'active', claim_owner: null })
  })

  test('F35 nothing that they wrote at trace level, and no raw column, holds a token or a secret', async () => {
    expect(written().length).toBeGreaterThan(10_000)
    expect(canariesIn(written(), world.canaries())).toEqual([])
    expect(canariesIn(await textOfDatabase(world.database), world.canaries())).toEqual([])
  })
})
