import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { type Behaviour, refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  type SeededGrant,
  tally,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const hourMs = 3_600_000
const ask = ({ grantId }: SeededGrant, replica = world.own) =>
  replica.vault.accessToken(world.scope, grantId, lifeMs)

/** Signs the person of the grant in again. @returns the new refresh token */
async function signInAgain({ userId }: SeededGrant, replica = world.own): Promise<string> {
  const userName = `${userId}@workspace.test`
  const issued = world.server.books.signIn(world.clientId, userName)
  const now = world.clock.now()
  const key = {
    userId,
    workspaceOrigin: world.server.origin,
    appConnectionId: world.appConnectionId
  }
  await replica.vault.keepSignIn(world.scope, key, {
    tokens: {
      accessToken: new Secret(issued.accessToken),
      accessIssuedAt: now,
      accessExpiresAt: new Date(now.getTime() + hourMs),
      refreshToken: new Secret(issued.refreshToken ?? ''),
      scope: null
    },
    workspaceUser: { userName, id: `id-of-${userName}` },
    maySwitchUser: false,
    event: { action: 'sign_in_attempt.finish' }
  })
  return issued.refreshToken ?? ''
}

describe('a refresh that is overtaken', () => {
  test('F11 the loser of a race is refused by the provider: it changes nothing, and gets the winner’s token', async () => {
    const [loser, winner] = [world.replica(), world.replica()]
    world.server.rules.revokeOnReuse = false
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.next({ holdBefore: held.promise })
    const late = ask(grant, loser)
    await world.server.arrived(1)
    await world.expireLease(grant.grantId)
    const won = await ask(grant, winner)
    held.resolve()
    const got = await late
    expect(got.token.reveal()).toBe(won.token.reveal())
    const row = await world.stateOf(grant.grantId)
    expect(row).toMatchObject({ state: 'active', cause: null, generation: 2 })
    const kept = String(await world.refreshTokenOf(grant.grantId))
    expect(world.server.books.isAlive(kept)).toBe(true)
  })

  test.each([
    ['granted', {}],
    ['refused', { instead: refusals.deadRefreshToken(400) }],
    ['throttled', { instead: refusals.throttled(60) }],
    ['cut', { cut: 'before_answer' }]
  ] as [string, Behaviour][])(
    'F27 a sign-in during a refresh that is then %s: the sign-in wins, whole',
    async (_name, behaviour) => {
      const grant = await world.seedGrant()
      const held = Promise.withResolvers<void>()
      const hold =
        behaviour.instead === undefined ? { holdAfter: held.promise } : { holdBefore: held.promise }
      world.server.next({ ...behaviour, ...hold })
      const late = tally([ask(grant)])
      await world.server.arrived(1)
      const refreshToken = await signInAgain(grant)
      held.resolve()
      expect(await late).toEqual({ token: 1 })
      expect(await world.refreshTokenOf(grant.grantId)).toBe(refreshToken)
      const row = await world.stateOf(grant.grantId)
      expect(row).toMatchObject({ state: 'active', cause: null, next_try_at: null })
      world.clock.advance(2 * hourMs)
      expect(await codeOf(ask(grant))).toBe('no error')
    }
  )

  test('F27 a secret that is edited during a refresh does not disturb it', async () => {
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const call = tally([ask(grant)])
    await world.server.arrived(1)
    await world.sql(`UPDATE client_secrets SET state = 'previous'`)
    await world.seedClientSecret('the-next-secret-of-the-app', 'current')
    held.resolve()
    expect(await call).toEqual({ token: 1 })
    world.server.clients.set(world.clientId, new Set(['the-next-secret-of-the-app']))
    world.clock.advance(2 * hourMs)
    expect(await codeOf(ask(grant))).toBe('no error')
    expect(grant.family.redemptions).toBe(2)
  })

  test('F27 an app connection that is disabled during a refresh keeps what came, and gives no more', async () => {
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const call = tally([ask(grant)])
    await world.server.arrived(1)
    await world.sql('UPDATE app_connections SET is_disabled = true')
    held.resolve()
    await call
    const kept = String(await world.refreshTokenOf(grant.grantId))
    expect(world.server.books.isAlive(kept)).toBe(true)
    world.clock.advance(2 * hourMs)
    expect(await codeOf(ask(grant))).toBe('app_connection_missing')
    expect(await world.stateOf(grant.grantId)).not.toMatchObject({ state: 'needs_sign_in' })
  })

  test('G9 two tabs finish signing in while a refresh runs: all of one answer, never a mixture', async () => {
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const call = tally([ask(grant)])
    await world.server.arrived(1)
    const other = world.replica()
    const [one, two] = await Promise.all([signInAgain(grant), signInAgain(grant, other)])
    held.resolve()
    await call
    const kept = await world.refreshTokenOf(grant.grantId)
    expect([one, two]).toContain(kept)
    world.clock.advance(1_500)
    const { token } = await ask(grant)
    const { server } = world
    expect(server.books.familyOf(token.reveal())).toBe(server.books.familyOf(String(kept)))
  })

  test('B13 a re-sign-in as another workspace user is refused, and what stood stands', async () => {
    const grant = await world.seedGrant({ lifeMs: hourMs })
    const now = world.clock.now()
    const key = {
      userId: grant.userId,
      workspaceOrigin: world.server.origin,
      appConnectionId: world.appConnectionId
    }
    const signIn = {
      tokens: {
        accessToken: new Secret('at-of-mallory'),
        accessIssuedAt: now,
        accessExpiresAt: new Date(now.getTime() + hourMs),
        refreshToken: new Secret('rt-of-mallory'),
        scope: null
      },
      workspaceUser: { userName: 'mallory@workspace.test', id: '666' },
      event: { action: 'sign_in_attempt.finish' }
    } as const
    const { vault } = world.own
    const refused = vault.keepSignIn(world.scope, key, { ...signIn, maySwitchUser: false })
    expect(await codeOf(refused)).toBe('conflict')
    expect(await world.refreshTokenOf(grant.grantId)).toBe(grant.refreshToken)
    expect((await ask(grant)).token.reveal()).toBe(grant.accessToken)
    await vault.keepSignIn(world.scope, key, { ...signIn, maySwitchUser: true })
    expect((await ask(grant)).token.reveal()).toBe('at-of-mallory')
  })
})
