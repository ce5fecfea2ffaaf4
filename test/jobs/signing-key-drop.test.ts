import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import type { TenantId } from '../../src/base/ids.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { createSigningKeyDrop } from '../../src/jobs/signing-key-drop.ts'
import { auditOf, codeOf, createWorld, type Replica, type World } from '../identity/world.ts'

let world: World
let elsewhere: Replica
let tenantIds: readonly TenantId[]
beforeEach(async () => {
  world = await createWorld()
  elsewhere = world.replica()
  const globex = await world.createTenant('globex')
  tenantIds = [world.acme.tenantId, globex.tenantId]
})
afterEach(() => world.close())

const dropping = (audit = createAudit(world.db, world.clock)) =>
  createSigningKeyDrop(world.db, audit, world.signingKeys)
const signingKid = async () => (await world.signingKeys.published()).keys[0]?.kid ?? ''
const recorded = (tenantId: TenantId) => auditOf(world, tenantId, 'signing_key.drop')

/** A service account's key, and a token that was got with it. */
async function credentialsIn(tenantId: TenantId) {
  const scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
  const { serviceAccounts, serviceTokens } = world.identity
  const { id } = await serviceAccounts.create(scope, { name: 'nightly' })
  const { key } = await serviceAccounts.createKey(scope, id, { name: 'key' })
  const issue = async () => {
    const source = '192.0.2.1'
    const asked = { serviceAccountId: id, serviceKey: key, tenantSlug: null, target: null }
    const issued = await serviceTokens.issue({ ...asked, source, requestId: 'request-1' })
    return issued.accessToken
  }
  return { key, token: await issue(), issue }
}

const seenBy = (replica: Replica) => (bearer: string) =>
  codeOf(
    replica.identity.authenticate({
      bearer,
      sessionToken: null,
      source: '192.0.2.1',
      requestId: 'request-1'
    })
  )

test('C7 what a dropped key signed is believed in no tenant, also where a replica heard of it late', async () => {
  const all = await Promise.all(tenantIds.map(credentialsIn))
  const seen = seenBy(elsewhere)
  const look = (part: 'key' | 'token') => Promise.all(all.map((one) => seen(one[part])))
  expect(await look('token')).toEqual(['no error', 'no error'])
  expect(await dropping()(await signingKid())).toMatchObject({ tenants: 2 })
  expect(await Promise.all(all.map(({ token }) => seenBy(world)(token)))).toEqual([
    'unauthenticated',
    'unauthenticated'
  ])
  // The other replica learns that the tenants have changed, and reads anew, before it learns which keys there are.
  await elsewhere.noticeChanges()
  await look('token')
  await elsewhere.signingKeys.rotate()
  expect(await look('token')).toEqual(['unauthenticated', 'unauthenticated'])
  expect(await look('key')).toEqual(['no error', 'no error'])
  for (const { issue } of all) expect(await seen(await issue())).toBe('no error')
  for (const id of tenantIds) {
    expect(await recorded(id)).toMatchObject([{ actor_kind: 'system', outcome: 'succeeded' }])
  }
})

test('C7 I4 killed on the way it is run again: the key goes, and stands once on every tenant’s record', async () => {
  const { token } = await credentialsIn(world.acme.tenantId)
  const kid = await signingKid()
  const audit = createAudit(world.db, world.clock)
  let left = 1
  const dying = dropping({
    ...audit,
    append: async (tx, ...events) => {
      left -= 1
      if (left < 0) throw new TypeError('killed')
      await audit.append(tx, ...events)
    }
  })
  await expect(dying(kid)).rejects.toThrow('killed')
  expect((await Promise.all(tenantIds.map(recorded))).flat()).toHaveLength(1)
  expect(await seenBy(world)(token)).toBe('no error')
  await dropping()(kid)
  expect(await seenBy(world)(token)).toBe('unauthenticated')
  for (const id of tenantIds) expect(await recorded(id)).toHaveLength(1)
  expect(await codeOf(dropping()(kid))).toBe('not_found')
})

test('a key that there is not is dropped nowhere, and on no record', async () => {
  expect(await codeOf(dropping()('sgk_unknown'))).toBe('not_found')
  for (const id of tenantIds) expect(await recorded(id)).toEqual([])
})
