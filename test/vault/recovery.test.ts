import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { disclose } from '../../src/crypto/bearer.ts'
import { packRawAnswer } from '../../src/oauth/raw-answer.ts'
import { answerPlace } from '../../src/vault/refresh-claim.ts'
import {
  codeOf,
  createVaultWorld,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const hourMs = 3_600_000
const ask = ({ grantId }: SeededGrant) => world.own.vault.accessToken(world.scope, grantId, lifeMs)

interface Left {
  /** What the provider had answered, where the owner lived to keep it. */
  readonly answer?: { readonly status: number; readonly body: string }
  /** The answer cannot be opened any more. */
  readonly isPoisoned?: boolean
  /** Milliseconds that the lease still has. */
  readonly leaseMs?: number
}

/** A refresh whose owner is dead. */
async function abandon(grant: SeededGrant, left: Left = {}): Promise<void> {
  const id = newId('refreshEntry', world.clock)
  const { answer, leaseMs = -1_000 } = left
  const sealed =
    answer === undefined
      ? null
      : await world.own.strongbox.seal(
          world.scope,
          answerPlace(id),
          packRawAnswer({
            status: answer.status,
            headers: {},
            body: new Secret(answer.body),
            receivedAt: world.clock.now()
          })
        )
  await world.rows.insert('refresh_journal', {
    id,
    tenant_id: world.seeded.tenantId,
    grant_id: grant.grantId,
    generation: 1,
    owner: 'dead',
    started_at: world.clock.now(),
    answer_sealed: left.isPoisoned === true ? 'e30.poison' : sealed,
    answered_at: sealed === null ? null : world.clock.now()
  })
  await world.sql(
    `UPDATE grant_tokens SET claim_owner = 'dead',
            claim_expires_at = now() + $2 * interval '1 millisecond' WHERE grant_id = $1`,
    [grant.grantId, leaseMs]
  )
}

/** What the provider would have answered: the next tokens of the family. */
function nextAnswer(grant: SeededGrant): { status: number; body: string } {
  world.server.books.redeem(grant.refreshToken)
  const issued = world.server.books.issueNext(grant.family, grant.refreshToken)
  const body = {
    access_token: issued.accessToken,
    refresh_token: issued.refreshToken,
    token_type: 'Bearer',
    expires_in: 3_600
  }
  return { status: 200, body: JSON.stringify(body) }
}

const recover = () => world.own.vault.recover(world.scope)

describe('an answer that a dead owner kept', () => {
  test('F8 is projected by the sweep, without a call of the provider', async () => {
    const grant = await world.seedGrant()
    await abandon(grant, { answer: nextAnswer(grant) })
    expect(await recover()).toBe(1)
    expect(world.server.requests).toHaveLength(0)
    expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'active', generation: 2 })
    expect(world.server.books.isAlive(String(await world.refreshTokenOf(grant.grantId)))).toBe(true)
    expect(await recover()).toBe(0)
  })

  test('F8 is projected by the first caller, without a call of the provider', async () => {
    const grant = await world.seedGrant()
    await abandon(grant, { answer: nextAnswer(grant) })
    const { token } = await ask(grant)
    expect(world.server.books.holderOf(token.reveal())).not.toBeNull()
    expect(world.server.requests).toHaveLength(0)
  })

  test('F8 F22 is projected while the provider is away', async () => {
    const grant = await world.seedGrant()
    await abandon(grant, { answer: nextAnswer(grant) })
    world.server.metadataStatus = 503
    await recover()
    expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'active', generation: 2 })
  })

  test('F8 F27 is projected while the app connection is disabled', async () => {
    const grant = await world.seedGrant()
    await abandon(grant, { answer: nextAnswer(grant) })
    await world.sql('UPDATE app_connections SET is_disabled = true')
    await recover()
    const kept = String(await world.refreshTokenOf(grant.grantId))
    expect(world.server.books.isAlive(kept)).toBe(true)
  })

  test('F8 F18 and says that the grant is dead, ends the sign-in', async () => {
    const grant = await world.seedGrant()
    const body = '{"error":"invalid_request","error_description":"Refresh token is invalid"}'
    await abandon(grant, { answer: { status: 400, body } })
    await recover()
    expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'needs_sign_in' })
    expect(world.server.requests).toHaveLength(0)
  })

  test('F8 F22 and says that the provider is away, costs nobody the sign-in', async () => {
    const grant = await world.seedGrant()
    await abandon(grant, { answer: { status: 503, body: 'away' } })
    await recover()
    expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'degraded' })
    world.clock.advance(hourMs)
    expect(await codeOf(ask(grant))).toBe('no error')
  })

  test('F8 of a generation that has been overtaken changes nothing', async () => {
    const grant = await world.seedGrant()
    const stale = nextAnswer(grant)
    await world.sql('UPDATE grant_tokens SET generation = 2 WHERE grant_id = $1', [grant.grantId])
    await abandon(grant, { answer: stale })
    const before = await world.stateOf(grant.grantId)
    await recover()
    const after = await world.stateOf(grant.grantId)
    expect(after?.refresh_token_sealed).toBe(before?.refresh_token_sealed)
  })
})

describe('an owner who died with nothing kept', () => {
  test('F8 the stored token is tried once, and serves where it was not spent', async () => {
    const grant = await world.seedGrant()
    await abandon(grant)
    await recover()
    expect(world.server.books.presented(grant.refreshToken)).toBe(1)
    expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'active', generation: 2 })
  })

  test('F8 where it was spent, the sign-in is lost, and nobody asks again', async () => {
    const grant = await world.seedGrant()
    nextAnswer(grant)
    await abandon(grant)
    for (let sweep = 0; sweep < 5; sweep += 1) {
      await recover()
      expect(await codeOf(ask(grant))).toBe('sign_in_needed')
      world.clock.advance(hourMs)
    }
    const row = await world.stateOf(grant.grantId)
    expect(row).toMatchObject({ state: 'needs_sign_in', cause: 'rotation_lost' })
    expect(world.server.requests).toHaveLength(1)
  })

  test('F6 F8 a token known to be single-use is not tried at all', async () => {
    await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = true')
    const grant = await world.seedGrant()
    await abandon(grant)
    await recover()
    const row = await world.stateOf(grant.grantId)
    expect(row).toMatchObject({ state: 'needs_sign_in', cause: 'rotation_lost' })
    expect(world.server.requests).toHaveLength(0)
  })

  test('F8 an owner who lives is left alone', async () => {
    const grant = await world.seedGrant()
    await abandon(grant, { leaseMs: 30_000 })
    expect(await recover()).toBe(0)
    expect(world.server.requests).toHaveLength(0)
  })

  test('F8 three sweeps at once try it once', async () => {
    const grant = await world.seedGrant()
    await abandon(grant)
    const replicas = [world.own, world.replica(), world.replica()]
    await Promise.all(replicas.map(({ vault }) => vault.recover(world.scope)))
    expect(world.server.books.presented(grant.refreshToken)).toBe(1)
    expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'active', generation: 2 })
  })
})

test('G12 a row that cannot be opened stops neither the sweep nor the others', async () => {
  const [poisoned, whole] = [await world.seedGrant(), await world.seedGrant()]
  await abandon(poisoned, { isPoisoned: true })
  await abandon(whole, { answer: nextAnswer(whole) })
  await recover()
  expect(await world.stateOf(whole.grantId)).toMatchObject({ state: 'active', generation: 2 })
  expect(world.server.books.presented(poisoned.refreshToken)).toBeLessThanOrEqual(1)
})

test('G12 a stored token that cannot be opened is told as such, and never as a sign-in', async () => {
  const [poisoned, whole] = [await world.seedGrant(), await world.seedGrant()]
  await world.sql(`UPDATE grant_tokens SET refresh_token_sealed = 'e30.x' WHERE grant_id = $1`, [
    poisoned.grantId
  ])
  expect(await codeOf(ask(poisoned))).toBe('key_unavailable')
  expect(await world.stateOf(poisoned.grantId)).not.toMatchObject({ state: 'needs_sign_in' })
  expect(await codeOf(ask(whole))).toBe('no error')
})

test('G12 a living token that could not be opened, its key service being away, is opened once it can be', async () => {
  const grant = await world.seedGrant({ lifeMs: hourMs })
  const { strongbox, vault } = world.replica()
  const { open } = strongbox
  strongbox.open = () => Promise.reject(new AppError('key_unavailable'))
  const asking = () => vault.accessToken(world.scope, grant.grantId, lifeMs)
  expect(await codeOf(asking())).toBe('key_unavailable')
  strongbox.open = open
  expect(disclose((await asking()).token)).toBe(grant.accessToken)
})
