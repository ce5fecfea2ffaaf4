import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FaultMode, startFaultProxy, targetOf } from '../support/fault-proxy.ts'
import type { Behaviour } from '../support/hostile-authorization-server.ts'
import { codeOf, createVaultWorld, failureOf, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const ask = (grantId: Parameters<VaultWorld['stateOf']>[0]) =>
  world.own.vault.accessToken(world.scope, grantId, lifeMs)

describe('an answer that was lost on the way', () => {
  const lost: Behaviour[] = [{ cut: 'before_answer' }, { cut: 'mid_answer' }]

  test.each(lost)('F8 with tokens that may be spent again (%o), the grant heals', async (cut) => {
    world.server.rules.rotate = false
    const { grantId } = await world.seedGrant()
    world.server.next(cut)
    expect((await failureOf(ask(grantId)))?.owner).toBe('upstream')
    world.clock.advance(hourMs)
    expect(await codeOf(ask(grantId))).toBe('no error')
  })

  test.each(lost)(
    'F8 with tokens of which nobody knows (%o), the stored one is tried once and no more',
    async (cut) => {
      const { grantId, refreshToken } = await world.seedGrant()
      world.server.next(cut)
      await failureOf(ask(grantId))
      for (let hour = 0; hour < 5; hour += 1) {
        world.clock.advance(hourMs)
        expect(await codeOf(ask(grantId))).toBe('sign_in_needed')
      }
      expect(world.server.books.presented(refreshToken)).toBe(2)
      const row = await world.stateOf(grantId)
      expect(row).toMatchObject({ state: 'needs_sign_in', cause: 'rotation_lost' })
    }
  )

  test.each(lost)(
    'F6 F8 with tokens known to be single-use (%o), there is no loop and a clear end',
    async (cut) => {
      await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = true')
      const { grantId, refreshToken } = await world.seedGrant()
      world.server.next(cut)
      await failureOf(ask(grantId))
      for (let hour = 0; hour < 5; hour += 1) {
        world.clock.advance(hourMs)
        expect(await codeOf(ask(grantId))).toBe('sign_in_needed')
      }
      expect(world.server.books.presented(refreshToken)).toBeLessThanOrEqual(2)
      const row = await world.stateOf(grantId)
      expect(row).toMatchObject({ state: 'needs_sign_in', cause: 'rotation_lost' })
    }
  )

  test('F8 a request that provably never left is no reason to doubt the stored token', async () => {
    await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = true')
    const proxy = await startFaultProxy(targetOf(world.server.origin))
    const workspaceOrigin = `http://127.0.0.1:${proxy.port}`
    world.server.metadata = onOrigin(world.server.origin, workspaceOrigin)
    const { vault } = world.replica({ extraOrigins: [workspaceOrigin] })
    const { grantId, refreshToken } = await world.seedGrant({ workspaceOrigin })
    const askByProxy = () => vault.accessToken(world.scope, grantId, lifeMs)
    proxy.mode = { kind: 'refuse' }
    for (let minute = 0; minute < 60; minute += 20) {
      expect((await failureOf(askByProxy()))?.owner).toBe('upstream')
      world.clock.advance(20 * minuteMs)
    }
    expect(world.server.books.presented(refreshToken)).toBe(0)
    proxy.mode = { kind: 'pass' }
    expect(await codeOf(askByProxy())).toBe('no error')
    await proxy.close()
  })

  const broken: FaultMode[] = [{ kind: 'reset_after', bytes: 20 }, { kind: 'half_close' }]
  test.each(broken)('F8 a network that breaks answers (%o) never makes a loop', async (mode) => {
    world.server.rules.rotate = false
    const proxy = await startFaultProxy(targetOf(world.server.origin))
    const workspaceOrigin = `http://127.0.0.1:${proxy.port}`
    world.server.metadata = onOrigin(world.server.origin, workspaceOrigin)
    const { vault } = world.replica({ extraOrigins: [workspaceOrigin] })
    const { grantId } = await world.seedGrant({ workspaceOrigin })
    const askByProxy = () => vault.accessToken(world.scope, grantId, lifeMs)
    proxy.mode = mode
    for (let minute = 0; minute < 60; minute += 5) {
      await failureOf(askByProxy())
      world.clock.advance(5 * minuteMs)
    }
    expect(world.server.requests.length).toBeLessThanOrEqual(12)
    proxy.mode = { kind: 'pass' }
    // A connection that was broken while it lay idle is found out by its next use, and by no second one.
    const outcomes: string[] = []
    while (outcomes.length < 3 && outcomes.at(-1) !== 'no error') {
      world.clock.advance(hourMs)
      outcomes.push(await codeOf(askByProxy()))
    }
    expect(outcomes.at(-1), outcomes.join(', ')).toBe('no error')
    await proxy.close()
  })
})

/** Metadata as it would read had the workspace that other origin. */
function onOrigin(from: string, to: string) {
  return (honest: Record<string, unknown>): Record<string, unknown> =>
    JSON.parse(JSON.stringify(honest).replaceAll(from, to))
}
