import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/base/ids.ts'
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
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const minuteMs = 60_000
type Options = Parameters<VaultWorld['own']['vault']['accessToken']>[3]
const ask = ({ grantId }: Pick<SeededGrant, 'grantId'>, options?: Options, replica = world.own) =>
  replica.vault.accessToken(world.scope, grantId, minuteMs, options)
const inMs = (ms: number) => new Date(world.clock.now().getTime() + ms)

/** Forgotten by this process between any two tests, since each has a grant of its own. */
const seed = (lifeMs: number) => world.seedGrant({ lifeMs })

describe('a token', () => {
  test('tells its end, generation, scope and where it is from', async () => {
    const grant = await seed(hourMs / 2)
    await world.sql(`UPDATE grant_tokens SET scope = 'sql' WHERE grant_id = $1`, [grant.grantId])
    const held = await ask(grant)
    expect(held).toMatchObject({
      expiresAt: inMs(hourMs / 2),
      generation: 1,
      scope: 'sql',
      source: 'cached'
    })
    expect(held.token.reveal()).toBe(grant.accessToken)
    const fresh = await ask(grant, { rejectedGeneration: 1 })
    expect(fresh).toMatchObject({ expiresAt: inMs(hourMs), generation: 2, source: 'refreshed' })
    expect(await ask(grant)).toMatchObject({ generation: 2, source: 'cached' })
  })

  test('F44 is opened once, however often it is handed out', async () => {
    const grant = await seed(hourMs / 2)
    const [one, two] = [await ask(grant), await ask(grant)]
    expect(one.token).toBe(two.token)
  })

  test('of no grant, or of one without a token row, is a sign-in', async () => {
    expect(await codeOf(ask({ grantId: newId('grant', world.clock) }))).toBe('sign_in_needed')
    const grant = await seed(hourMs / 2)
    await world.sql('DELETE FROM grant_tokens WHERE grant_id = $1', [grant.grantId])
    expect(await codeOf(ask(grant))).toBe('sign_in_needed')
  })

  test('of another tenant’s grant is a sign-in too', async () => {
    const grant = await seed(hourMs / 2)
    await ask(grant)
    const { tenantId } = await world.rows.tenant('elsewhere')
    const foreign = { ...world.scope, tenantId } as typeof world.scope // a scope is a brand
    const asked = world.own.vault.accessToken(foreign, grant.grantId, minuteMs)
    expect(await codeOf(asked)).toBe('sign_in_needed')
  })

  test('a grant without an access token is refreshed, whatever its end says', async () => {
    const grant = await seed(hourMs / 2)
    await world.sql('UPDATE grant_tokens SET access_token_sealed = NULL WHERE grant_id = $1', [
      grant.grantId
    ])
    expect(await ask(grant)).toMatchObject({ source: 'refreshed', generation: 2 })
  })

  test('F20 near its end is handed out and renewed behind the caller’s back', async () => {
    const grant = await seed(4 * minuteMs)
    expect(await ask(grant)).toMatchObject({ source: 'cached', generation: 1 })
    await world.own.vault.settle()
    expect(await ask(grant)).toMatchObject({ source: 'cached', generation: 2 })
    expect(grant.family.redemptions).toBe(1)
  })

  test('F22 a renewal ahead that fails is nobody’s error', async () => {
    const grant = await seed(4 * minuteMs)
    world.server.next({ instead: refusals.unavailable() })
    expect(await ask(grant)).toMatchObject({ source: 'cached', generation: 1 })
    await world.own.vault.settle()
    expect(await ask(grant)).toMatchObject({ source: 'cached', generation: 1 })
  })
})

describe('waiting', () => {
  test('F26 ends with the caller’s patience, and tells when to come again', async () => {
    const grant = await seed(-minuteMs)
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const late = await failureOf(ask(grant, { waitMs: 20 }))
    expect(late).toMatchObject({
      code: 'overloaded',
      detail: 'The token is being renewed; try again',
      retryAt: inMs(1_000)
    })
    const next = ask(grant)
    held.resolve()
    expect(await next).toMatchObject({ generation: 2, source: 'refreshed' })
    expect(grant.family.redemptions).toBe(1)
  })

  test('F25 for a refusal over and over ends with five tokens, and names ten seconds', async () => {
    const grant = await seed(hourMs / 2)
    for (let generation = 1; generation <= 5; generation += 1) {
      const fresh = await ask(grant, { rejectedGeneration: generation })
      expect(fresh.generation).toBe(generation + 1)
    }
    const refused = await failureOf(ask(grant, { rejectedGeneration: 6 }))
    expect(refused).toMatchObject({
      code: 'sign_in_needed',
      detail: 'The workspace refuses every fresh access token',
      retryAt: inMs(10_000)
    })
    expect(grant.family.redemptions).toBe(5)
    // The token itself is still handed out to who does not complain of it.
    expect(await ask(grant)).toMatchObject({ generation: 6, source: 'cached' })
  })

  test('F25 the service principal’s admin is told so of his', async () => {
    const principal = { clientId: 'sp', clientSecret: 'canary-sp-handed-out' }
    world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
    const fabricId = await world.seedFabric(principal)
    const { vault } = world.own
    const { origin } = world.server
    const grantId = await vault.openServicePrincipalGrant(world.scope, fabricId, origin)
    await ask({ grantId })
    for (let generation = 2; generation <= 6; generation += 1) {
      await ask({ grantId }, { rejectedGeneration: generation })
    }
    const refused = await codeOf(ask({ grantId }, { rejectedGeneration: 7 }))
    expect(refused).toBe('service_principal_refused')
  })

  test('F25 who joins a refresh that runs uses up nothing', async () => {
    const grant = await seed(hourMs / 2)
    const calls = Array.from({ length: 20 }, () => ask(grant, { rejectedGeneration: 1 }))
    for (const { generation } of await Promise.all(calls)) expect(generation).toBe(2)
    expect(grant.family.redemptions).toBe(1)
    expect(await ask(grant, { rejectedGeneration: 2 })).toMatchObject({ generation: 3 })
  })
})

describe('closing', () => {
  test('H4 finishes the refresh that runs, and begins no other', async () => {
    const replica = world.replica()
    const [grant, other, good] = [await seed(-minuteMs), await seed(-minuteMs), await seed(hourMs)]
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const before = world.server.requests.length
    const running = ask(grant, {}, replica)
    await world.server.arrived(before + 1)
    const closed = replica.vault.close()
    expect(await codeOf(ask(other, {}, replica))).toBe('shutting_down')
    // A token that is there is still handed out.
    expect(await ask(good, {}, replica)).toMatchObject({ source: 'cached' })
    held.resolve()
    await closed
    expect(await running).toMatchObject({ generation: 2 })
    expect(world.server.requests).toHaveLength(before + 1)
  })
})
