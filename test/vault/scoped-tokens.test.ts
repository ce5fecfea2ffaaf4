import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FabricId, GrantId } from '../../src/base/ids.ts'
import type { TokenOptions } from '../../src/vault/vault.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type SeededGrant,
  tally,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
let principalGrant: GrantId
let person: SeededGrant
let fabricId: FabricId
const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

beforeEach(async () => {
  world = await createVaultWorld()
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  fabricId = await world.seedFabric(principal)
  const { origin } = world.server
  principalGrant = await world.own.vault.openServicePrincipalGrant(world.scope, fabricId, origin)
  person = await world.seedGrant({ lifeMs: 50 * minuteMs })
})
afterEach(() => world.close())

const minuteMs = 60_000
const detailsOf = (id: string) => JSON.stringify([{ object_path: `/serving-endpoints/${id}` }])
const details = detailsOf('one')
const refusedDetails = { status: 400, body: { error: 'invalid_authorization_details' } }

function ask(
  grantId: GrantId,
  options: TokenOptions = {},
  wanted = details,
  { vault } = world.own
) {
  return vault.scopedToken(world.scope, grantId, wanted, minuteMs, options)
}

/** Token requests that named what they are for, in their order. */
function scopedRequests() {
  return world.server.requests.filter(({ form }) => form.has('authorization_details'))
}

describe('a token for one thing', () => {
  test('is asked for by a service principal with its client credentials and the details as they came', async () => {
    const { token, source } = await ask(principalGrant)
    expect(world.server.books.holderOf(token.reveal())).toBe(principal.clientId)
    expect(source).toBe('refreshed')
    expect(scopedRequests()).toMatchObject([{ grantType: 'client_credentials', ...principal }])
    expect(scopedRequests()[0]?.form.get('authorization_details')).toBe(details)
    expect(scopedRequests()[0]?.form.get('scope')).toBe('all-apis')
  })

  test('G7 is asked for with the secret before it where the newest is not taken yet', async () => {
    await world.sql(`UPDATE client_secrets SET state = 'previous' WHERE fabric_id = $1`, [fabricId])
    const next = `canary-sp-${randomUUID()}`
    await world.seedClientSecret(next, 'current', fabricId)
    await ask(principalGrant)
    const shown = scopedRequests().map(({ clientSecret }) => clientSecret)
    expect(shown).toEqual([next, principal.clientSecret])
  })

  test('is traded by a person for the token that they hold, who stays that person; no client secret goes along', async () => {
    const { token } = await ask(person.grantId)
    expect(world.server.books.holderOf(token.reveal())).toBe(`${person.userId}@workspace.test`)
    expect(world.server.requests).toHaveLength(1)
    expect(Object.fromEntries(world.server.requests[0]?.form ?? [])).toEqual({
      grant_type: jwtBearer,
      assertion: person.accessToken,
      authorization_details: details
    })
    expect(person.family.redemptions).toBe(0)
  })

  test('is asked for once for many calls, one for each thing and each grant', async () => {
    const calls = Array.from({ length: 100 }, () => ask(principalGrant))
    expect(await tally(calls)).toEqual({ token: 100 })
    expect(scopedRequests()).toHaveLength(1)
    expect((await ask(principalGrant)).source).toBe('cached')
    await ask(principalGrant, {}, detailsOf('two'))
    await ask(person.grantId)
    expect(scopedRequests()).toHaveLength(3)
  })

  test('F46 is asked for anew before it has less than a minute to live', async () => {
    world.server.rules.accessTtlSeconds = 3_600
    const first = await ask(principalGrant)
    world.clock.advance(59 * minuteMs + 1_000)
    const second = await ask(principalGrant)
    expect(second.token.reveal()).not.toBe(first.token.reveal())
    expect(second.expiresAt.getTime() - world.clock.now().getTime()).toBeGreaterThan(minuteMs)
  })

  test.each(['principal', 'person'] as const)(
    'F27 of a %s ends with the grant, on every replica that has heard of it',
    async (who) => {
      const grantId = who === 'principal' ? principalGrant : person.grantId
      const other = world.replica()
      await ask(grantId)
      await ask(grantId, {}, details, other)
      const event = { action: 'connection.delete' } as const
      await world.own.vault.forget(world.scope, grantId, event)
      await other.noticeChanges()
      expect(await codeOf(ask(grantId))).toBe('sign_in_needed')
      expect(await codeOf(ask(grantId, {}, details, other))).toBe('sign_in_needed')
    }
  )

  test('F27 that was on its way when the grant was forgotten serves nobody after', async () => {
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const call = failureOf(ask(person.grantId))
    await world.server.arrived(1)
    await world.own.vault.forget(world.scope, person.grantId, { action: 'connection.delete' })
    held.resolve()
    expect(await call).toMatchObject({ code: 'sign_in_needed' })
    expect(await codeOf(ask(person.grantId))).toBe('sign_in_needed')
  })

  test('is left behind when the grant moves on', async () => {
    const first = await ask(person.grantId)
    await world.own.vault.accessToken(world.scope, person.grantId, minuteMs, {
      rejectedGeneration: 1
    })
    const second = await ask(person.grantId)
    expect(second.token.reveal()).not.toBe(first.token.reveal())
    expect(second.generation).toBeGreaterThan(first.generation)
  })
})

describe('what is refused', () => {
  test('F15 a token that its endpoint refused is renewed with the grant, a handful of times and no more', async () => {
    let rejectedGeneration = (await ask(principalGrant)).generation
    const codes = []
    for (let call = 0; call < 50; call += 1) {
      const answer = ask(principalGrant, { rejectedGeneration })
      codes.push(await codeOf(answer))
      rejectedGeneration = (await answer.catch(() => null))?.generation ?? rejectedGeneration
    }
    expect(codes.slice(0, 5)).toEqual(Array(5).fill('no error'))
    expect(new Set(codes.slice(6))).toEqual(new Set(['service_principal_refused']))
    expect(scopedRequests().length).toBeLessThanOrEqual(7)
  })

  test.each(['principal', 'person'] as const)(
    'F21 rights that a %s has not are forbidden, asked for once in a while, and nothing against the grant',
    async (who) => {
      const grantId = who === 'principal' ? principalGrant : person.grantId
      await world.own.vault.accessToken(world.scope, grantId, minuteMs)
      world.server.always({ instead: refusedDetails })
      for (let call = 0; call < 20; call += 1) {
        expect(await codeOf(ask(grantId))).toBe('forbidden')
      }
      expect(scopedRequests()).toHaveLength(1)
      expect(await world.stateOf(grantId)).toMatchObject({ state: 'active', failures: 0 })
      world.server.reset()
      world.clock.advance(11_000)
      expect(await codeOf(ask(grantId))).toBe('no error')
    }
  )

  test('a person whose token died before its time trades a fresh one', async () => {
    world.server.books.killAccessTokens()
    const { token } = await ask(person.grantId)
    expect(world.server.books.holderOf(token.reveal())).toBe(`${person.userId}@workspace.test`)
    expect(world.server.requests.map(({ grantType }) => grantType)).toEqual([
      jwtBearer,
      'refresh_token',
      jwtBearer
    ])
  })

  test('F21 F22 an outage of the token endpoint is told with the next try, and asked no sooner', async () => {
    await world.own.vault.accessToken(world.scope, principalGrant, minuteMs)
    world.server.always({ instead: refusals.unavailable() })
    const failure = await failureOf(ask(principalGrant))
    expect(failure).toMatchObject({ code: 'upstream_unavailable', retryAt: expect.any(Date) })
    for (let call = 0; call < 20; call += 1) await codeOf(ask(principalGrant))
    expect(scopedRequests().length).toBeLessThanOrEqual(3)
    world.server.reset()
    world.clock.advance(minuteMs)
    expect(await codeOf(ask(principalGrant))).toBe('no error')
  })

  test('B2 F45 a token endpoint on another host is told nothing', async () => {
    const strange = await createVaultWorld()
    try {
      world.server.metadata = (honest) => ({
        ...honest,
        token_endpoint: `${strange.server.origin}/oidc/v1/token`
      })
      expect(await codeOf(ask(person.grantId))).not.toBe('no error')
      expect(strange.server.requests).toEqual([])
    } finally {
      await strange.close()
    }
  })
})
