import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Tx } from '../../src/store/db.ts'
import { UniqueViolation } from '../../src/store/db-errors.ts'
import {
  claimGrantToken,
  findGrantToken,
  releaseGrantToken,
  upsertGrantToken
} from '../../src/store/grants.ts'
import { endRefresh } from '../../src/store/refresh-ends.ts'
import { openRefreshEntry } from '../../src/store/refresh-journal.ts'
import { clock, createStoreWorld, type StoreWorld, scopeOf } from './world.ts'

let world: StoreWorld
let grantId: string
const scope = scopeOf('ten_a')
const leaseMs = 30_000

beforeAll(async () => {
  world = await createStoreWorld()
  grantId = String((await world.seed('ten_a')).grants?.id)
  await world.seed('ten_b')
})
beforeEach(async () => {
  await world.keeper.query(
    'UPDATE grant_tokens SET generation = 1, claim_owner = NULL, claim_expires_at = NULL'
  )
})
afterAll(() => world.close())

const claimIn = async (tx: Tx, owner: string, generation = 1) =>
  (await claimGrantToken(tx, { grantId, generation, owner, leaseMs })) !== null
const claim = (owner: string, generation = 1) =>
  world.db.inTenant(scope, (tx) => claimIn(tx, owner, generation))
const tokens = (name: string) => ({
  refreshTokenSealed: `refresh of ${name}`,
  accessTokenSealed: `access of ${name}`,
  accessExpiresAt: clock.now(),
  accessIssuedAt: clock.now(),
  scope: null
})
const projectIn = (tx: Tx, owner: string, generation = 1) =>
  endRefresh(tx, {
    claim: { grantId, generation, owner },
    entryId: 'rfj_none',
    tokens: { ...row, ...tokens(owner) },
    outcome: 'projected',
    status: { state: 'active', cause: null, since: clock.now(), nextTryAt: null, failures: 0 },
    look: {
      grantId,
      workspaceOrigin: 'https://a.test',
      dueAt: null,
      now: clock.now(),
      isUse: false
    },
    soundAppConnectionId: null,
    takenSecretId: null,
    now: clock.now()
  })
const project = (owner: string, generation = 1) =>
  world.db.inTenant(scope, (tx) => projectIn(tx, owner, generation))
const release = (owner: string, generation = 1) =>
  world.db.inTenant(scope, (tx) => releaseGrantToken(tx, { grantId, generation, owner }))
const stored = () => world.db.inTenant(scope, (tx) => findGrantToken(tx, grantId))
/** As if the lease had run out: by the database's clock, not by ours. */
const expireLease = () =>
  world.keeper.query(`UPDATE grant_tokens SET claim_expires_at = now() - interval '1 millisecond'`)

/** Whatever other token columns there are, as they lie in the row. */
let row: Awaited<ReturnType<typeof rest>>
async function rest() {
  const found = await stored()
  if (found === null) throw new TypeError('seeded')
  const {
    tenantId: _t,
    grantId: _g,
    generation: _n,
    claimOwner: _o,
    claimExpiresAt: _e,
    ...columns
  } = found
  return columns
}
beforeAll(async () => {
  row = await rest()
})

describe('F3 F4 the claim on a generation', () => {
  test('of fifty owners at once, exactly one gets it', async () => {
    const got = await Promise.all(Array.from({ length: 50 }, (_, index) => claim(`owner-${index}`)))
    expect(got.filter(Boolean)).toHaveLength(1)
  })

  test('is not given again while it holds, not even to its owner', async () => {
    expect([await claim('one'), await claim('two'), await claim('one')]).toEqual([
      true,
      false,
      false
    ])
  })

  test.each([0, 2, 7])(
    'of generation %i is not given while the row is at 1',
    async (generation) => {
      expect(await claim('one', generation)).toBe(false)
    }
  )

  test('runs out by the database’s clock; then another gets it, and the first one’s result is discarded', async () => {
    await claim('slow')
    await expireLease()
    expect(await claim('next')).toBe(true)
    expect(await project('slow')).toBe(false)
    expect(await stored()).toMatchObject({ generation: 1, claimOwner: 'next' })
    expect(await project('next')).toBe(true)
    expect(await stored()).toMatchObject({
      generation: 2,
      claimOwner: null,
      refreshTokenSealed: 'refresh of next'
    })
  })

  test('is never let go of by another owner', async () => {
    await claim('slow')
    await expireLease()
    await claim('next')
    expect(await release('slow')).toBe(false)
    expect(await claim('third')).toBe(false)
    expect(await release('next')).toBe(true)
    expect(await claim('third')).toBe(true)
  })

  test('an owner whose lease ran out and whom nobody followed may still store what it got', async () => {
    await claim('slow')
    await expireLease()
    expect(await project('slow')).toBe(true)
    expect(await stored()).toMatchObject({ generation: 2 })
  })

  test('a result is stored once, and only at the generation that was claimed', async () => {
    await claim('one')
    expect(await project('one', 2)).toBe(false)
    expect(await project('one')).toBe(true)
    expect(await project('one')).toBe(false)
    expect(await project('one', 2)).toBe(false)
    expect(await stored()).toMatchObject({ generation: 2 })
  })

  test('F27 a sign-in during a refresh wins: the refresh finds that the row has moved on', async () => {
    await claim('refresher')
    const fresh = { ...row, ...tokens('sign-in') }
    await world.db.inTenant(scope, (tx) => upsertGrantToken(tx, grantId, fresh))
    expect(await project('refresher')).toBe(false)
    expect(await release('refresher')).toBe(false)
    expect(await stored()).toMatchObject({
      generation: 2,
      claimOwner: null,
      refreshTokenSealed: 'refresh of sign-in'
    })
  })

  test('another tenant neither claims nor stores nor lets go', async () => {
    await claim('one')
    const stranger = scopeOf('ten_b')
    const ends = await world.db.inTenant(stranger, async (tx) => [
      await claimIn(tx, 'one'),
      await projectIn(tx, 'one'),
      await releaseGrantToken(tx, { grantId, generation: 1, owner: 'one' })
    ])
    expect(ends).toEqual([false, false, false])
  })

  test('a grant has at most one open entry in the journal', async () => {
    await world.keeper.query('DELETE FROM refresh_journal')
    const open = (id: string) =>
      world.db.inTenant(scope, (tx) =>
        openRefreshEntry(tx, { id, grantId, generation: 1, owner: id, startedAt: clock.now() })
      )
    const ends = await Promise.allSettled(['rfj_1', 'rfj_2', 'rfj_3'].map(open))
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = ends.find((end) => end.status === 'rejected')
    expect(refused?.reason).toBeInstanceOf(UniqueViolation)
  })
})
