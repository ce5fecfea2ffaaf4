import { afterEach, beforeEach, expect, test } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { providers } from '../../src/providers/registry.ts'
import { createVaultWorld, type SeededGrant, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const minuteMs = 60_000
const statusOf = ({ userId }: Pick<SeededGrant, 'userId'>) =>
  world.own.vault.userGrant(world.scope, {
    userId,
    workspaceOrigin: world.server.origin,
    appConnectionId: world.appConnectionId
  })

test('a person who never signed in has no grant, a fabric without unattended work neither', async () => {
  expect(await statusOf({ userId: newId('user', world.clock) })).toBeNull()
  const fabricId = newId('fabric', world.clock)
  expect(await world.own.vault.servicePrincipalGrant(world.scope, fabricId)).toBeNull()
})

test('a good grant tells its state, its token’s end and who it is at the workspace', async () => {
  const grant = await world.seedGrant({ lifeMs: hourMs })
  const now = world.clock.now()
  expect(await statusOf(grant)).toEqual({
    id: grant.grantId,
    state: 'active',
    cause: null,
    since: now,
    nextTryAt: null,
    accessExpiresAt: new Date(now.getTime() + hourMs),
    predictedSignInAt: null,
    workspaceUser: {
      userName: `${grant.userId}@workspace.test`,
      id: `id-of-${grant.userId}@workspace.test`
    }
  })
})

test('a grant in trouble tells its cause and when it is tried next', async () => {
  const grant = await world.seedGrant()
  const nextTryAt = new Date(world.clock.now().getTime() + minuteMs)
  await world.sql(
    `UPDATE grants SET state = 'degraded', cause = 'upstream_timeout', next_try_at = $2,
            workspace_user_name = NULL WHERE id = $1`,
    [grant.grantId, nextTryAt]
  )
  expect(await statusOf(grant)).toMatchObject({
    state: 'degraded',
    cause: 'upstream_timeout',
    nextTryAt,
    workspaceUser: null
  })
  await world.sql(
    `UPDATE grants SET workspace_user_name = 'ann', workspace_user_id = NULL WHERE id = $1`,
    [grant.grantId]
  )
  expect((await statusOf(grant))?.workspaceUser).toBeNull()
})

test('a grant without an access token tells no end of one', async () => {
  const grant = await world.seedGrant({ lifeMs: hourMs })
  await world.sql('UPDATE grant_tokens SET access_token_sealed = NULL WHERE grant_id = $1', [
    grant.grantId
  ])
  expect((await statusOf(grant))?.accessExpiresAt).toBeNull()
  await world.sql('DELETE FROM grant_tokens WHERE grant_id = $1', [grant.grantId])
  expect(await statusOf(grant)).toMatchObject({ accessExpiresAt: null, predictedSignInAt: null })
})

test('F47 the next sign-in is predicted by the app connection’s policy, else the provider’s', async () => {
  const grant = await world.seedGrant()
  const now = world.clock.now()
  const inMinutes = (minutes: number) => new Date(now.getTime() + minutes * minuteMs)
  await world.sql('UPDATE grant_tokens SET refresh_issued_at = $2 WHERE grant_id = $1', [
    grant.grantId,
    now
  ])
  await world.sql('UPDATE grants SET signed_in_at = $2 WHERE id = $1', [grant.grantId, now])
  const { refreshTokenTtlMinutes } = providers.databricks.oauth
  expect((await statusOf(grant))?.predictedSignInAt).toEqual(inMinutes(refreshTokenTtlMinutes))
  const setPolicy = (ttl: number | null, session: number | null) =>
    world.sql(
      `UPDATE app_connections SET refresh_token_ttl_minutes = $1, absolute_session_minutes = $2`,
      [ttl, session]
    )
  await setPolicy(120, null)
  expect((await statusOf(grant))?.predictedSignInAt).toEqual(inMinutes(120))
  await setPolicy(120, 90)
  expect((await statusOf(grant))?.predictedSignInAt).toEqual(inMinutes(90))
})

test('a service principal never signs in, so nothing is predicted', async () => {
  const fabricId = await world.seedFabric({ clientId: 'sp', clientSecret: 'canary-sp-of-status' })
  const { vault } = world.own
  const id = await vault.openServicePrincipalGrant(world.scope, fabricId, world.server.origin)
  expect(await vault.servicePrincipalGrant(world.scope, fabricId)).toMatchObject({
    id,
    state: 'pending',
    accessExpiresAt: null,
    predictedSignInAt: null,
    workspaceUser: null
  })
})
