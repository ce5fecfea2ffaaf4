import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import { createTestGateway, type TestGateway } from '../support/vault-world/gateway.ts'
import { codeOf, createVaultWorld, tally, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
let gateway: TestGateway
let fabricId: FabricId

beforeEach(async () => {
  world = await createVaultWorld()
  gateway = createTestGateway(world)
  fabricId = await world.seedFabric()
})
afterEach(async () => {
  await gateway.close()
  await world.close()
})

const hourMs = 3_600_000

describe('the workspace refuses a token that looked good', () => {
  test.each([400, 401, 403] as const)(
    'F15 with %i: one refresh, one retry, and the caller sees an answer',
    async (status) => {
      const { userId, family } = await world.seedGrant({ lifeMs: 50 * 60_000 })
      world.server.deadTokenAnswer = status
      world.server.books.killAccessTokens()
      const answer = await gateway.ask(userId, fabricId)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('server-timing')).toContain('token;desc=refreshed')
      expect(world.server.apiCalls).toHaveLength(2)
      expect(family.redemptions).toBe(1)
    }
  )

  test('F2 F15 100 calls that meet the same dead token share one refresh', async () => {
    const { userId, family } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    world.server.books.killAccessTokens()
    const calls = Array.from({ length: 100 }, () => gateway.ask(userId, fabricId))
    expect(await tally(calls)).toEqual({ token: 100 })
    expect(family.redemptions).toBe(1)
    expect(family.isRevoked).toBe(false)
  })

  test('F15 a workspace that refuses every token, however fresh, costs a handful of refreshes', async () => {
    const { userId, family } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    world.server.rules.accessTtlSeconds = 3_600
    for (let call = 0; call < 200; call += 1) {
      world.server.books.killAccessTokens()
      world.server.books.bornDead = true
      expect(await codeOf(gateway.ask(userId, fabricId))).toBe('sign_in_needed')
    }
    expect(family.redemptions).toBeLessThanOrEqual(10)
    expect(family.isRevoked).toBe(false)
  })

  test('F15 a dead token with a dead grant behind it is a sign-in, and not the workspace’s 403', async () => {
    const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    world.server.books.killAccessTokens()
    world.server.always({ instead: refusals.deadRefreshToken(400) })
    for (let call = 0; call < 20; call += 1) {
      expect(await codeOf(gateway.ask(userId, fabricId))).toBe('sign_in_needed')
    }
    expect(world.server.requests).toHaveLength(1)
  })
})

describe('the workspace refuses what is asked', () => {
  const denied = [
    { status: 403, body: { error_code: 'PERMISSION_DENIED', message: 'User does not have USE' } },
    { status: 403, body: { error_code: 'PERMISSION_DENIED', message: 'Invalid access token.' } },
    { status: 403, body: 'Forbidden' },
    { status: 400, body: { error_code: 'BAD_REQUEST', message: 'ExpiredJwtException in prompt' } },
    { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no endpoint' } },
    { status: 500, body: { error_code: 'INTERNAL_ERROR', message: 'Invalid access token.' } }
  ]
  test.each(denied)('F16 %o passes through and never touches the token', async (answer) => {
    const { userId, accessToken } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    world.server.apiAnswer = answer
    const calls = Array.from({ length: 200 }, () => gateway.ask(userId, fabricId))
    const statuses = new Set((await Promise.all(calls)).map(({ status }) => status))
    expect([...statuses]).toEqual([answer.status])
    expect(world.server.requests).toHaveLength(0)
    expect(new Set(world.server.apiCalls)).toEqual(new Set([accessToken]))
  })
})

test('F25 the second try goes out with the newer token, never with the refused one', async () => {
  const { userId, accessToken } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  world.server.books.killAccessTokens()
  await gateway.ask(userId, fabricId)
  const [first, second] = world.server.apiCalls
  expect(first).toBe(accessToken)
  expect(second).not.toBe(accessToken)
})

test('G10 a token that runs out between two calls is renewed before the second', async () => {
  const { userId, family } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  await gateway.ask(userId, fabricId)
  world.clock.advance(hourMs)
  expect((await gateway.ask(userId, fabricId)).status).toBe(200)
  expect(family.redemptions).toBe(1)
  expect(world.server.apiCalls).toHaveLength(2)
})

test.each([-10, 10])(
  'G10 with a clock that is %i minutes off, no call fails and no storm of refreshes begins',
  async (minutes) => {
    const { userId, family } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    world.clock.skew(minutes * 60_000)
    for (let minute = 0; minute < 180; minute += 2) {
      expect((await gateway.ask(userId, fabricId)).status).toBe(200)
      world.clock.advance(2 * 60_000)
    }
    expect(family.redemptions).toBeLessThanOrEqual(6)
    expect(family.isRevoked).toBe(false)
  }
)
