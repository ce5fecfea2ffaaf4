import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import type { Question } from '../../src/store/asking.ts'
import { createStrongbox, type Place } from '../../src/vault/strongbox.ts'
import { promoteKeys } from '../support/promoted-keys.ts'
import { codeOf, createVaultWorld, failureOf, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
/** Of a tenant that has no data key yet. */
let scope: TenantScope

const keyWrap = createKeyRing([{ kid: 'ring', key: new Secret(new Uint8Array(randomBytes(32))) }])
const place: Place = ['client_secrets', 'sec_1', 'sealed']
const secret = new Secret('canary-of-the-strongbox')

beforeEach(async () => {
  world = await createVaultWorld()
  const { tenantId } = await world.rows.tenant(`t${randomBytes(4).toString('hex')}`)
  await promoteKeys(world.sql, keyWrap)
  scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
})
afterEach(() => world.close())

/** As of a process of its own. */
function strongbox() {
  let reads = 0
  const { db } = world.own
  const counted: typeof db = {
    ...db,
    inTenant: (inside, work) => {
      reads += 1
      return db.inTenant(inside, work)
    },
    ask<const Q extends readonly Question<unknown>[]>(inside: TenantScope, ...questions: Q) {
      reads += 1
      return db.ask<Q>(inside, ...questions)
    }
  }
  return {
    box: createStrongbox(counted, keyWrap, world.clock),
    get reads() {
      return reads
    }
  }
}
const keysOf = () =>
  world.sql('SELECT id, kek_kid, created_at FROM data_keys WHERE tenant_id = $1', [scope.tenantId])

test('the first use makes the tenant’s data key, and every later one uses it', async () => {
  const first = strongbox()
  await first.box.prepare(scope)
  const keys = await keysOf()
  expect(keys).toMatchObject([{ kek_kid: 'ring' }])
  expect(keys[0]?.id).toMatch(/^dek_/)
  const sealed = await first.box.seal(scope, place, secret)
  expect((await first.box.open(scope, place, sealed)).reveal()).toBe(secret.reveal())
  // Looked for, and made: nothing after that.
  expect(first.reads).toBe(2)
  const later = strongbox()
  expect((await later.box.open(scope, place, sealed)).reveal()).toBe(secret.reveal())
  await later.box.prepare(scope)
  expect(later.reads).toBe(1)
  expect(await keysOf()).toEqual(keys)
})

test('two processes that need a first key at once make one', async () => {
  const [one, two] = [strongbox(), strongbox()]
  const sealed = await Promise.all([
    one.box.seal(scope, place, secret),
    two.box.seal(scope, place, secret)
  ])
  expect(await keysOf()).toHaveLength(1)
  for (const { box } of [one, two]) {
    for (const text of sealed) {
      expect((await box.open(scope, place, text)).reveal()).toBe(secret.reveal())
    }
  }
})

test('B2 what is sealed for one place opens at no other, nor for another tenant', async () => {
  const { box } = strongbox()
  const sealed = await box.seal(scope, place, secret)
  const others: Place[] = [
    ['service_principals', 'sec_1', 'sealed'],
    ['client_secrets', 'sec_2', 'sealed'],
    ['client_secrets', 'sec_1', 'hint']
  ]
  for (const other of others) {
    expect(await codeOf(box.open(scope, other, sealed))).toBe('key_unavailable')
  }
  expect(await codeOf(box.open(world.scope, place, sealed))).toBe('key_unavailable')
})

test('a key that another process has made since is found', async () => {
  const [old, fresh] = [strongbox(), strongbox()]
  await old.box.prepare(scope)
  const kept = await old.box.seal(scope, place, secret)
  // A newer key, as a rotation makes it: wrapped by another strongbox of the same ring.
  const elsewhere = await world.rows.tenant(`t${randomBytes(4).toString('hex')}`)
  expect(elsewhere.tenantId).not.toBe(scope.tenantId)
  const id = newId('dataKey', world.clock)
  const key = new Secret(new Uint8Array(randomBytes(32)))
  const wrapped = await keyWrap.wrap(key, `${scope.tenantId}/data_keys/${id}`)
  await world.rows.insert('data_keys', {
    id,
    tenant_id: scope.tenantId,
    wrapped,
    kek_kid: 'ring',
    created_at: world.clock.now()
  })
  const sealed = await fresh.box.seal(scope, place, secret)
  expect((await old.box.open(scope, place, sealed)).reveal()).toBe(secret.reveal())
  expect((await old.box.open(scope, place, kept)).reveal()).toBe(secret.reveal())
  // Looked for, made, and looked for again.
  expect(old.reads).toBe(3)
})

test('G12 a key that is not there, or is named by nothing, is told as such', async () => {
  const { box } = strongbox()
  const sealed = await box.seal(scope, place, secret)
  await world.sql('DELETE FROM data_keys WHERE tenant_id = $1', [scope.tenantId])
  const other = strongbox()
  const missing = await failureOf(other.box.open(scope, place, sealed))
  expect(missing?.code).toBe('key_unavailable')
  expect(missing?.note).toMatch(/^no data key dek_/)
  const nameless = await failureOf(other.box.open(scope, place, 'rubbish'))
  expect(nameless).toMatchObject({ code: 'key_unavailable', note: 'no data key named' })
})

test('F7 a look that failed is not remembered', async () => {
  const { db } = world.own
  let isAway = true
  const flaky: typeof db = {
    ...db,
    inTenant: async (inside, work) => {
      if (isAway) throw new TypeError('away')
      return await db.inTenant(inside, work)
    }
  }
  const box = createStrongbox(flaky, keyWrap, world.clock)
  await expect(box.prepare(scope)).rejects.toThrow('away')
  isAway = false
  await box.prepare(scope)
  expect(await keysOf()).toHaveLength(1)
})

test('a tenant that is being erased gets no new key', async () => {
  await world.sql(`UPDATE tenants SET status = 'erasing' WHERE id = $1`, [scope.tenantId])
  expect(await codeOf(strongbox().box.prepare(scope))).toBe('key_unavailable')
  expect(await keysOf()).toEqual([])
})

test('the keys of a tenant that is erased are let go of, and nobody else’s', async () => {
  const opened = strongbox()
  const [sealed, other] = [
    await opened.box.seal(scope, place, secret),
    await opened.box.seal(world.scope, place, secret).catch(() => '')
  ]
  expect(other).toBe('')
  await opened.box.forgetErased()
  const before = opened.reads
  await opened.box.open(scope, place, sealed)
  expect(opened.reads).toBe(before)
  await world.sql('DELETE FROM tenants WHERE id = $1', [scope.tenantId])
  await opened.box.forgetErased()
  expect(await codeOf(opened.box.open(scope, place, sealed))).not.toBe('no error')
})

test('a strongbox without keys has nobody to ask about', async () => {
  const { db } = world.own
  const deaf: typeof db = { ...db, askLookup: () => Promise.reject(new TypeError('asked')) }
  await createStrongbox(deaf, keyWrap, world.clock).forgetErased()
})

test('C8 while keys cannot be unwrapped anew, what is held serves for an hour, and then nothing', async () => {
  let isAway = false
  const service: typeof keyWrap = {
    ...keyWrap,
    unwrap: async (wrapped, context) => {
      if (isAway) throw new AppError('key_unavailable', { note: 'away' })
      return await keyWrap.unwrap(wrapped, context)
    }
  }
  const box = createStrongbox(world.own.db, service, world.clock)
  const sealed = await box.seal(scope, place, secret)
  isAway = true
  for (const minutes of [20, 20, 19]) {
    world.clock.advance(minutes * 60_000)
    expect((await box.open(scope, place, sealed)).reveal()).toBe(secret.reveal())
    await box.seal(scope, place, secret)
  }
  world.clock.advance(2 * 60_000)
  expect(await failureOf(box.open(scope, place, sealed))).toMatchObject({ note: 'away' })
  isAway = false
  expect((await box.open(scope, place, sealed)).reveal()).toBe(secret.reveal())
})
