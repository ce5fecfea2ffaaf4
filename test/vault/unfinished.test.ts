import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { AppError } from '../../src/base/errors.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { refreshToItsEnd } from '../../src/vault/refresh.ts'
import { createTurns } from '../../src/vault/turns.ts'
import { createRefreshTally } from '../../src/vault/vault-measures.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

/** A refresh of the grant by a process that somebody stands in front of each transaction of. */
async function refreshBehind(grant: SeededGrant, before: () => Promise<void>): Promise<void> {
  const { own, clock, scope } = world
  const db: typeof own.db = {
    ...own.db,
    async inTenant(inside, work) {
      await before()
      return await own.db.inTenant(inside, work)
    }
  }
  const parts = { audit: createAudit(db, clock), versions: createTenantVersions(db, clock) }
  const crowd = { tally: createRefreshTally(), turns: createTurns(1) }
  const deps = { ...own, ...parts, ...crowd, db, exchange: own }
  const { generation = 0 } = (await world.stateOf(grant.grantId)) ?? {}
  await refreshToItsEnd(deps, scope, grant.grantId, generation, new AbortController().signal)
}

const open = () =>
  world.sql<{ kept: boolean }>(
    'SELECT answer_sealed IS NOT NULL AS kept FROM refresh_journal WHERE outcome IS NULL'
  )
const isKept = async () => (await open()).some(({ kept }) => kept)

describe('a refresh that its owner cannot bring to an end', () => {
  test('G3 G5 a database that is away when the answer is projected costs no lease: the next one projects it, at once', async () => {
    const grant = await world.seedGrant()
    let isAway = true
    const refresh = refreshBehind(grant, async () => {
      if (isAway && (await isKept())) throw new AppError('overloaded')
    })
    expect(await failureOf(refresh)).toMatchObject({ code: 'overloaded' })
    isAway = false
    const claimed = async () => (await world.stateOf(grant.grantId))?.claim_owner
    await expect.poll(claimed, { timeout: 20_000 }).toBeNull()
    expect(await codeOf(world.own.vault.accessToken(world.scope, grant.grantId, 60_000))).toBe(
      'no error'
    )
    expect(world.server.requests).toHaveLength(1)
    expect(await open()).toEqual([])
  })

  test('G2 an answer that is judged between another’s look and its claim is left alone, and so is the claim', async () => {
    const grant = await world.seedGrant()
    world.server.next({ instead: refusals.deadRefreshToken(400) })
    const [kept, judge] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const owner = failureOf(
      refreshBehind(grant, async () => {
        if (!(await isKept())) return
        kept.resolve()
        await judge.promise
      })
    )
    await kept.promise
    // It has seen an answer that was kept, and is about to claim the grant.
    await refreshBehind(grant, async () => {
      judge.resolve()
      await owner
    })
    expect(await owner).toMatchObject({ code: 'sign_in_needed' })
    expect(await world.stateOf(grant.grantId)).toMatchObject({
      state: 'needs_sign_in',
      claim_owner: null
    })
    expect(await open()).toEqual([])
    expect(world.server.requests).toHaveLength(1)
  })
})
