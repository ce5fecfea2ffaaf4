import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import type { GrantId } from '../../src/base/ids.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { sealedPrefixOf } from '../../src/crypto/envelope.ts'
import { createDataKeyRotation } from '../../src/jobs/data-key-rotation.ts'
import type { Db } from '../../src/store/db.ts'
import { textOfDatabase } from '../support/canary.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
let scope: TenantScope
beforeEach(async () => {
  world = await createVaultWorld()
  scope = world.scope
})
afterEach(() => world.close())

const day = 24 * 3_600_000
const quiet = () => undefined

/** Of a process of its own, on this way to the database. */
function rotation(db: Db = world.replica().db) {
  const { strongbox } = world.replica()
  const audit = createAudit(db, world.clock)
  return createDataKeyRotation({ db, strongbox, audit, clock: world.clock, settleMs: 0 })
}

const dataKeys = () =>
  world.sql<{ id: string; retired_at: Date | null }>(
    'SELECT id, retired_at FROM data_keys WHERE tenant_id = $1 ORDER BY id DESC',
    [scope.tenantId]
  )
const actions = async () =>
  (
    await world.sql<{ action: string }>(
      `SELECT action FROM audit_events WHERE action LIKE 'data_key.%' ORDER BY seq`
    )
  ).map(({ action }) => action)

async function furnish() {
  const grants = [await world.seedGrant(), await world.seedGrant(), await world.seedGrant()]
  const secretId = await world.seedClientSecret('canary-second-secret', 'previous')
  await world.seedFabric({ clientId: 'sp', clientSecret: 'canary-principal-secret' })
  return {
    grants,
    async expectAllThere() {
      const { strongbox } = world.replica()
      for (const { grantId, refreshToken } of grants) {
        expect(await world.refreshTokenOf(grantId)).toBe(refreshToken)
      }
      const [row] = await world.sql<{ sealed: string }>(
        'SELECT sealed FROM client_secrets WHERE id = $1',
        [secretId]
      )
      const opened = await strongbox.open(
        scope,
        ['client_secrets', secretId, 'sealed'],
        row?.sealed ?? ''
      )
      expect(opened.reveal()).toBe('canary-second-secret')
    }
  }
}

test('C7 everything is sealed anew, in every table, and the old key retires', async () => {
  const { expectAllThere } = await furnish()
  const [old] = await dataKeys()
  const before = await textOfDatabase(world.database)
  expect(before).toContain(sealedPrefixOf(old?.id ?? ''))
  const steps: string[] = []
  const report = await rotation().rotate(scope.tenantId, (step) => steps.push(step))
  expect(report).toMatchObject({ resealed: 9, retired: [old?.id] })
  expect(steps[0]).toBe(`new data key ${report.dataKeyId}`)
  expect(steps.at(-1)).toBe('re-sealed 9')
  const after = await textOfDatabase(world.database)
  expect(after).not.toContain(sealedPrefixOf(old?.id ?? ''))
  expect(await dataKeys()).toMatchObject([
    { id: report.dataKeyId, retired_at: null },
    { id: old?.id, retired_at: expect.any(Date) }
  ])
  await expectAllThere()
  expect(await actions()).toEqual(['data_key.rotate', 'data_key.retire'])
})

test('C7 how far a rotation is, is told from outside', async () => {
  await furnish()
  expect(await rotation().status()).toEqual({ rotating: [], retired: 0 })
  await world.replica().strongbox.addKey(scope, async () => undefined)
  expect(await rotation().status()).toEqual({
    rotating: [{ tenantId: scope.tenantId, since: expect.any(Date), left: 9 }],
    retired: 0
  })
  await rotation().sweep()
  expect(await rotation().status()).toEqual({ rotating: [], retired: 1 })
})

test('C7 tokens that are refreshed meanwhile are kept, each of them', async () => {
  const { grants } = await furnish()
  const { vault } = world.replica()
  const refreshing = grants.map(({ grantId }) => refreshAgain(grantId))
  const [report] = await Promise.all([rotation().rotate(scope.tenantId, quiet), ...refreshing])
  for (const { grantId } of grants) {
    expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
  }
  await rotation().sweep()
  const text = await textOfDatabase(world.database)
  for (const id of report.retired) expect(text).not.toContain(sealedPrefixOf(id))

  async function refreshAgain(grantId: GrantId) {
    for (let turn = 0; turn < 5; turn += 1) await vault.accessToken(scope, grantId, day)
  }
})

test('C7 a rotation that dies at any step is gone on with, and nothing is lost', async () => {
  const { expectAllThere } = await furnish()
  const real = world.replica().db
  let isWhole = false
  for (let step = 1; !isWhole; step += 3) {
    let left = step
    const dying: Db = {
      ...real,
      async inTenant(inside, work) {
        left -= 1
        if (left < 0) throw new TypeError('killed')
        return await real.inTenant(inside, work)
      }
    }
    isWhole = await rotation(dying)
      .rotate(scope.tenantId, quiet)
      .then(
        () => true,
        () => false
      )
    await expectAllThere()
  }
  await expectAllThere()
  expect((await dataKeys()).filter(({ retired_at }) => retired_at === null)).toHaveLength(1)
})

test('another replica seals with the new key as soon as it has heard of it, and opens what is old before', async () => {
  const other = world.replica()
  const { grants } = await furnish()
  const kept = await other.strongbox.reseal(scope, await sealedOf(grants[0]?.grantId))
  const report = await rotation().rotate(scope.tenantId, quiet)
  await other.strongbox.forgetErased()
  const next = await other.strongbox.reseal(scope, kept)
  expect(next.startsWith(sealedPrefixOf(report.dataKeyId))).toBe(true)
})

test('what is sealed late with a retired key opens, is sealed anew, and only then the key is destroyed', async () => {
  const { grants, expectAllThere } = await furnish()
  const late = await sealedOf(grants[0]?.grantId)
  const { retired } = await rotation().rotate(scope.tenantId, quiet)
  // A process that was stopped for hours between sealing and writing.
  await world.sql('UPDATE grant_tokens SET refresh_token_sealed = $1 WHERE grant_id = $2', [
    late,
    grants[0]?.grantId
  ])
  await expectAllThere()
  await rotation().sweep()
  expect(await dataKeys()).toHaveLength(2)
  world.clock.advance(day + 60_000)
  await rotation().sweep()
  expect(await sealedOf(grants[0]?.grantId)).not.toBe(late)
  expect(await dataKeys()).toHaveLength(2)
  await rotation().sweep()
  expect(await dataKeys()).toHaveLength(1)
  await expectAllThere()
  expect(await codeOf(world.replica().strongbox.reseal(scope, late))).toBe('key_unavailable')
  expect(retired).toHaveLength(1)
  const destroyed = (await actions()).filter((action) => action === 'data_key.destroy')
  expect(destroyed).toHaveLength(1)
})

test('C2 a value that does not open keeps its key, is named by its column, and hinders no other', async () => {
  const { grants } = await furnish()
  const sealed = await sealedOf(grants[1]?.grantId)
  const spoilt = `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`
  await world.sql('UPDATE grant_tokens SET refresh_token_sealed = $1 WHERE grant_id = $2', [
    spoilt,
    grants[1]?.grantId
  ])
  const failure = await failureOf(rotation().rotate(scope.tenantId, quiet))
  expect(failure).toMatchObject({
    code: 'key_unavailable',
    note: '1 values do not open, and their key stays: grant_tokens.refresh_token_sealed'
  })
  const keys = await dataKeys()
  expect(keys.map(({ retired_at }) => retired_at)).toEqual([null, null])
  expect(await tokenOf(grants[0])).toBe(grants[0]?.refreshToken)
})

test('C2 a value that was moved to another row opens there no more after a rotation than before', async () => {
  const { grants } = await furnish()
  const [from, to] = grants
  await world.sql('UPDATE grant_tokens SET refresh_token_sealed = $1 WHERE grant_id = $2', [
    await sealedOf(from?.grantId),
    to?.grantId
  ])
  await rotation().rotate(scope.tenantId, quiet)
  expect(await codeOf(tokenOf(to))).toBe('key_unavailable')
  expect(await tokenOf(from)).toBe(from?.refreshToken)
})

test('C12 what is left of an erased tenant’s ciphertext opens for nobody', async () => {
  const { grants } = await furnish()
  const sealed = await sealedOf(grants[0]?.grantId)
  const held = world.replica()
  await held.strongbox.reseal(scope, sealed)
  await held.db.inTenant(
    scope,
    (tx) => tx.rows.$queryRaw`SELECT weft_begin_erasure('system', 'x')::text`
  )
  await held.strongbox.forgetErased()
  for (const { strongbox } of [held, world.replica()]) {
    expect(await codeOf(strongbox.reseal(scope, sealed))).toBe('key_unavailable')
  }
  expect(await codeOf(rotation().rotate(scope.tenantId, quiet))).toBe('key_unavailable')
  expect(await dataKeys()).toEqual([])
})

async function tokenOf(grant: SeededGrant | undefined): Promise<string | null> {
  return grant === undefined ? null : await world.refreshTokenOf(grant.grantId)
}

async function sealedOf(grantId: GrantId | undefined): Promise<string> {
  const [row] = await world.sql<{ sealed: string }>(
    'SELECT refresh_token_sealed AS sealed FROM grant_tokens WHERE grant_id = $1',
    [grantId]
  )
  return row?.sealed ?? ''
}
