import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { UniqueViolation } from '../../src/store/db-errors.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { createGrantKeeping, type SignIn } from '../../src/vault/grant-keeping.ts'
import { createHeldGrants } from '../../src/vault/held-grants.ts'
import { createTurns } from '../../src/vault/turns.ts'
import { createRefreshTally } from '../../src/vault/vault-measures.ts'
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
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const event = { action: 'connection.delete' } as const
const ask = (grantId: SeededGrant['grantId']) =>
  world.own.vault.accessToken(world.scope, grantId, 60_000)

async function keyOf(userId?: SeededGrant['userId']) {
  const { rows, seeded, server, appConnectionId } = world
  const known = userId ?? (await rows.user(seeded))
  return { userId: known, workspaceOrigin: server.origin, appConnectionId }
}

function signInOf(name: string, more: Partial<SignIn> = {}): SignIn {
  const issued = world.server.books.signIn(world.clientId, name)
  const now = world.clock.now()
  return {
    tokens: {
      accessToken: new Secret(issued.accessToken),
      accessIssuedAt: now,
      accessExpiresAt: new Date(now.getTime() + hourMs),
      refreshToken: new Secret(issued.refreshToken ?? ''),
      scope: 'sql'
    },
    workspaceUser: { userName: name, id: `id-of-${name}` },
    maySwitchUser: false,
    event: { action: 'sign_in_attempt.finish' },
    ...more
  }
}

const eventsOf = (grantId: string) =>
  world.sql<{ action: string; outcome: string; code: string | null }>(
    `SELECT action, outcome, code FROM audit_events
      WHERE object_kind = 'grant' AND object_id = $1 ORDER BY seq`,
    [grantId]
  )

/** On a database that somebody stands in front of. */
function keepingOn(db: VaultWorld['own']['db']) {
  const { own, clock } = world
  const parts = { audit: createAudit(own.db, clock), versions: createTenantVersions(own.db, clock) }
  const crowd = { tally: createRefreshTally(), turns: createTurns(1) }
  return createGrantKeeping(
    { ...own, ...parts, ...crowd, db, exchange: own },
    createHeldGrants({ ...own, ...parts, db })
  )
}

describe('a sign-in that is kept', () => {
  test('the first one makes the grant, with everything that is known of it and its record', async () => {
    const key = await keyOf()
    const signIn = signInOf('ann')
    const id = await world.own.vault.keepSignIn(world.scope, key, signIn)
    const [row] = await world.sql('SELECT * FROM grants WHERE id = $1', [id])
    const now = world.clock.now()
    expect(row).toMatchObject({
      kind: 'user',
      user_id: key.userId,
      fabric_id: null,
      workspace_origin: key.workspaceOrigin,
      app_connection_id: key.appConnectionId,
      state: 'active',
      cause: null,
      failures: 0,
      since: now,
      signed_in_at: now,
      created_at: now,
      workspace_user_name: 'ann',
      workspace_user_id: 'id-of-ann'
    })
    expect(await eventsOf(id)).toEqual([
      { action: 'sign_in_attempt.finish', outcome: 'succeeded', code: null }
    ])
    const handed = await ask(id)
    expect(handed).toMatchObject({ source: 'cached', generation: 1, scope: 'sql' })
    expect(handed.token.reveal()).toBe(signIn.tokens.accessToken.reveal())
    expect(await world.refreshTokenOf(id)).toBe(signIn.tokens.refreshToken?.reveal())
  })

  test('one that mends a grant clears what ailed it, and it stands so since now', async () => {
    const grant = await world.seedGrant()
    await world.sql(
      `UPDATE grants SET state = 'needs_sign_in', cause = 'rotation_lost', failures = 4,
              next_try_at = now() + interval '1 hour' WHERE id = $1`,
      [grant.grantId]
    )
    expect(await codeOf(ask(grant.grantId))).toBe('sign_in_needed')
    world.clock.advance(1_000)
    const signIn = signInOf(`${grant.userId}@workspace.test`)
    const id = await world.own.vault.keepSignIn(world.scope, await keyOf(grant.userId), signIn)
    expect(id).toBe(grant.grantId)
    const [row] = await world.sql('SELECT * FROM grants WHERE id = $1', [id])
    const healed = { state: 'active', cause: null, next_try_at: null, failures: 0 }
    expect(row).toMatchObject({ ...healed, since: world.clock.now() })
    // At once, without waiting for what others are told.
    expect((await ask(id)).token.reveal()).toBe(signIn.tokens.accessToken.reveal())
  })

  test('one that renews a good grant leaves since when it is good', async () => {
    const grant = await world.seedGrant()
    const [before] = await world.sql<{ since: Date }>('SELECT since FROM grants WHERE id = $1', [
      grant.grantId
    ])
    world.clock.advance(1_000)
    const key = await keyOf(grant.userId)
    await world.own.vault.keepSignIn(world.scope, key, signInOf(`${grant.userId}@workspace.test`))
    const [row] = await world.sql('SELECT * FROM grants WHERE id = $1', [grant.grantId])
    expect(row).toMatchObject({ since: before?.since, signed_in_at: world.clock.now() })
  })

  test('B13 as another workspace user it is refused by name, and a grant without one takes any', async () => {
    const grant = await world.seedGrant()
    const key = await keyOf(grant.userId)
    const refused = await failureOf(
      world.own.vault.keepSignIn(world.scope, key, signInOf('mallory'))
    )
    expect(refused).toMatchObject({
      code: 'conflict',
      detail:
        `You signed in as mallory, but this connection is ${grant.userId}@workspace.test's. ` +
        'Sign in as that user, or say that it is to become the other one.'
    })
    await world.sql('UPDATE grants SET workspace_user_id = NULL WHERE id = $1', [grant.grantId])
    await world.own.vault.keepSignIn(world.scope, key, signInOf('mallory'))
    expect(await world.own.vault.userGrant(world.scope, key)).toMatchObject({
      workspaceUser: { userName: 'mallory', id: 'id-of-mallory' }
    })
  })

  test('G9 a first sign-in that another one overtakes takes its place in the same grant', async () => {
    const { own, scope } = world
    const key = await keyOf()
    let looks = 0
    const overtaken: typeof own.db = {
      ...own.db,
      inTenant: async (inside, work) => {
        looks += 1
        if (looks === 2) await own.vault.keepSignIn(scope, key, signInOf('ann'))
        return await own.db.inTenant(inside, work)
      }
    }
    const signIn = signInOf('ann')
    const id = await keepingOn(overtaken).keepSignIn(scope, key, signIn)
    expect(await world.own.vault.userGrant(scope, key)).toMatchObject({ id })
    expect(await world.refreshTokenOf(id)).toBe(signIn.tokens.refreshToken?.reveal())
  })

  test('G8 a grant that changes hands at every try is given up after five', async () => {
    const { own, scope } = world
    let looks = 0
    // What the first look finds is never what the transaction after it finds.
    const restless: typeof own.db = {
      ...own.db,
      inTenant: async (inside, work) => {
        looks += 1
        if (looks % 2 === 0) throw new UniqueViolation([])
        return await own.db.inTenant(inside, work)
      }
    }
    const kept = keepingOn(restless).keepSignIn(scope, await keyOf(), signInOf('ann'))
    expect(await codeOf(kept)).toBe('not_found')
    expect(looks).toBe(10)
  })

  test('a database that fails otherwise is told as it is, and not tried again', async () => {
    const broken = world.replica({ via: () => 'postgresql://nobody:x@127.0.0.1:1/none' })
    const key = await keyOf()
    const keeping = broken.vault.keepSignIn(world.scope, key, signInOf('ann'))
    expect(await codeOf(keeping)).toBe('overloaded')
    expect(broken.transactions).toBe(1)
  })
})

describe('the grant of a service principal', () => {
  const principal = { clientId: 'sp', clientSecret: 'canary-sp-of-the-vault' }

  test('is made once, pending and without tokens, however many ask', async () => {
    const fabricId = await world.seedFabric(principal)
    const { origin } = world.server
    const open = (replica = world.own) =>
      replica.vault.openServicePrincipalGrant(world.scope, fabricId, origin)
    const other = world.replica()
    const ids = await Promise.all([open(), open(other), open(), open(other)])
    expect(new Set([...ids, await open()]).size).toBe(1)
    const [row] = await world.sql('SELECT * FROM grants WHERE fabric_id = $1', [fabricId])
    const now = world.clock.now()
    expect(row).toMatchObject({
      kind: 'service_principal',
      user_id: null,
      workspace_origin: origin,
      app_connection_id: null,
      state: 'pending',
      since: now,
      created_at: now,
      workspace_user_name: null,
      workspace_user_id: null
    })
    expect(await world.stateOf(ids[0])).toMatchObject({
      generation: 1,
      refresh_token_sealed: null,
      access_token_sealed: null,
      access_expires_at: null
    })
  })

  test('of no fabric is an error', async () => {
    const missing = newId('fabric', world.clock)
    const opening = world.own.vault.openServicePrincipalGrant(world.scope, missing, 'https://w')
    await expect(opening).rejects.toThrow()
  })

  test('that is forgotten is nothing to revoke at the provider', async () => {
    const fabricId = await world.seedFabric(principal)
    const { origin } = world.server
    const { vault } = world.own
    const grantId = await vault.openServicePrincipalGrant(world.scope, fabricId, origin)
    expect(await vault.forget(world.scope, grantId, event)).toBe(true)
    await vault.settle()
    expect((await eventsOf(grantId)).map(({ action }) => action)).toEqual(['connection.delete'])
  })
})

describe('a grant that is forgotten', () => {
  const told = () => world.server.revocations.map((form) => form.get('token'))

  test('G8 is gone at once, in memory too, and its refresh token is revoked, all on record', async () => {
    const { grantId, refreshToken } = await world.seedGrant({ lifeMs: hourMs })
    const { vault } = world.own
    expect(await codeOf(ask(grantId))).toBe('no error')
    expect(await vault.forget(world.scope, grantId, event)).toBe(true)
    expect(await codeOf(ask(grantId))).toBe('sign_in_needed')
    await vault.settle()
    expect(told()).toContain(refreshToken)
    expect(await eventsOf(grantId)).toEqual([
      { action: 'connection.delete', outcome: 'succeeded', code: null },
      { action: 'grant.revoke', outcome: 'succeeded', code: null }
    ])
    expect(await vault.forget(world.scope, grantId, event)).toBe(false)
    expect(await eventsOf(grantId)).toHaveLength(2)
  })

  test('G8 why the provider was not told stands in the record', async () => {
    const refused = await world.seedGrant()
    world.server.revocationStatus = 503
    await world.own.vault.forget(world.scope, refused.grantId, event)
    await world.own.vault.settle()
    expect((await eventsOf(refused.grantId)).at(-1)).toEqual({
      action: 'grant.revoke',
      outcome: 'failed',
      code: 'upstream_unavailable'
    })
    const { vault } = world.own
    const poisoned = await world.seedGrant()
    await world.sql(`UPDATE grant_tokens SET refresh_token_sealed = 'e30.x' WHERE grant_id = $1`, [
      poisoned.grantId
    ])
    expect(await vault.forget(world.scope, poisoned.grantId, event)).toBe(true)
    await vault.settle()
    expect((await eventsOf(poisoned.grantId)).at(-1)?.code).toBe('key_unavailable')
  })

  test('without a refresh token there is nothing to revoke', async () => {
    const { grantId } = await world.seedGrant()
    await world.sql('UPDATE grant_tokens SET refresh_token_sealed = NULL WHERE grant_id = $1', [
      grantId
    ])
    await world.own.vault.forget(world.scope, grantId, event)
    await world.own.vault.settle()
    expect((await eventsOf(grantId)).map(({ action }) => action)).toEqual(['connection.delete'])
  })

  test('G8 a whole tenant’s are opened first, and revoked when nothing can be opened any more', async () => {
    const [one, other, poisoned] = [
      await world.seedGrant(),
      await world.seedGrant(),
      await world.seedGrant()
    ]
    await world.sql(`UPDATE grant_tokens SET refresh_token_sealed = 'e30.x' WHERE grant_id = $1`, [
      poisoned.grantId
    ])
    const revokeAll = await world.own.vault.prepareRevocations(world.scope, hourMs)
    expect(told()).toEqual([])
    await world.sql('DELETE FROM grants')
    expect(await revokeAll(hourMs)).toEqual({ revoked: 2, notRevoked: 1 })
    expect(told().toSorted()).toEqual([one.refreshToken, other.refreshToken].toSorted())
    world.server.revocationStatus = 503
    expect(await revokeAll(hourMs)).toEqual({ revoked: 0, notRevoked: 3 })
    const before = told().length
    expect(await revokeAll(0)).toEqual({ revoked: 0, notRevoked: 3 })
    expect(told()).toHaveLength(before)
  })
})
