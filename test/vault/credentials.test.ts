import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GrantRow } from '../../src/store/grants.ts'
import { credentialsOf, providerOf, providerOfGrant } from '../../src/vault/credentials.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
let grant: SeededGrant

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
  grant = await world.seedGrant()
})
afterEach(() => world.close())

const setConnection = (assignments: string) =>
  world.sql(`UPDATE app_connections SET ${assignments}`)
const ask = () => world.own.vault.accessToken(world.scope, grant.grantId, 60_000)
const deps = () => ({ ...world.own, clock: world.clock })
const principal = { clientId: 'sp', clientSecret: 'canary-sp-of-credentials' }

/** A grant as it stands in the table. */
const rowOf = (more: Partial<GrantRow>): GrantRow => ({
  id: grant.grantId,
  tenantId: world.seeded.tenantId,
  kind: 'user',
  userId: grant.userId,
  fabricId: null,
  workspaceOrigin: world.server.origin,
  appConnectionId: world.appConnectionId,
  state: 'active',
  cause: null,
  since: world.clock.now(),
  nextTryAt: null,
  failures: 0,
  workspaceUserName: null,
  workspaceUserId: null,
  signedInAt: null,
  announcedAt: null,
  createdAt: world.clock.now(),
  ...more
})

describe('a person’s token is asked for with the app connection', () => {
  const unfit = {
    'that is disabled': 'is_disabled = true',
    'without a client id': 'client_id = NULL'
  }
  test.each(Object.entries(unfit))('not with one %s', async (_name, assignment) => {
    await setConnection(assignment)
    const before = world.server.requests.length
    expect(await codeOf(ask())).toBe('app_connection_missing')
    expect(world.server.requests).toHaveLength(before)
  })

  test('not with one that has no secret, or is not there', async () => {
    await world
      .sql(`UPDATE client_secrets SET app_connection_id = app_connection_id || 'x'`)
      .catch(() => world.sql('DELETE FROM client_secrets'))
    expect(await codeOf(ask())).toBe('app_connection_missing')
    await world.seedClientSecret(world.clientSecret, 'current')
    const gone = credentialsOf(deps(), world.scope, rowOf({ appConnectionId: null }))
    expect(await codeOf(gone)).toBe('app_connection_missing')
  })

  test('G7 while the provider refuses it, not before the next try', async () => {
    const at = new Date(world.clock.now().getTime() + 60_000)
    await world.sql('UPDATE app_connections SET fault_next_try_at = $1', [at])
    const refused = failureOf(credentialsOf(deps(), world.scope, rowOf({})))
    expect(await refused).toMatchObject({ code: 'app_connection_refused', retryAt: at })
    world.clock.advance(60_000)
    expect(await codeOf(credentialsOf(deps(), world.scope, rowOf({})))).toBe('no error')
  })

  test('not for a host that it does not serve', async () => {
    await setConnection(`allowed_hosts = '{elsewhere.test}'`)
    expect(await failureOf(ask())).toMatchObject({ code: 'host_not_allowed' })
    const direct = await failureOf(credentialsOf(deps(), world.scope, rowOf({})))
    expect(direct?.detail).toBe('The app connection does not serve this workspace host')
    await setConnection(`allowed_hosts = '{127.0.0.1}'`)
    world.clock.advance(3_600_000)
    expect(await codeOf(ask())).toBe('no error')
  })

  test('in the way that it authenticates, and with what is known of its refresh tokens', async () => {
    const found = await credentialsOf(deps(), world.scope, rowOf({}))
    expect(found.hasSingleUseRefreshTokens).toBeNull()
    expect(found.provider).toBe(providerOf('databricks'))
    const [candidate] = found.candidates
    expect(candidate?.client).toMatchObject({
      clientId: world.clientId,
      authMethod: 'client_secret_post'
    })
    await setConnection(
      `client_auth_method = 'client_secret_basic', has_single_use_refresh_tokens = true`
    )
    const other = await credentialsOf(deps(), world.scope, rowOf({}))
    expect(other.hasSingleUseRefreshTokens).toBe(true)
    expect(other.candidates[0]?.client.authMethod).toBe('client_secret_basic')
    await setConnection('has_single_use_refresh_tokens = NULL')
  })

  test('and which secret the provider took, and when, is noted', async () => {
    await world.sql('UPDATE client_secrets SET last_used_at = NULL')
    expect(await codeOf(ask())).toBe('no error')
    const used = await world.sql('SELECT last_used_at AS at FROM client_secrets')
    expect(used).toEqual([{ at: world.clock.now() }])
  })
})

describe('a service principal’s token is asked for with its own secret', () => {
  test('which is noted as used', async () => {
    world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
    const fabricId = await world.seedFabric(principal)
    const row = rowOf({ kind: 'service_principal', userId: null, appConnectionId: null, fabricId })
    const found = await credentialsOf(deps(), world.scope, row)
    expect(found).toMatchObject({
      provider: providerOf('databricks'),
      hasSingleUseRefreshTokens: null
    })
    const [candidate] = found.candidates
    expect(candidate?.client).toMatchObject({
      clientId: principal.clientId,
      authMethod: 'client_secret_post'
    })
    const { vault } = world.own
    const { origin } = world.server
    const id = await vault.openServicePrincipalGrant(world.scope, fabricId, origin)
    const { token } = await vault.accessToken(world.scope, id, 60_000)
    expect(world.server.books.holderOf(token.reveal())).toBe(principal.clientId)
    expect(world.server.requests.at(-1)?.clientSecret).toBe(principal.clientSecret)
    const used = await world.sql(
      'SELECT last_used_at AS at FROM client_secrets WHERE fabric_id = $1',
      [fabricId]
    )
    expect(used).toEqual([{ at: world.clock.now() }])
  })

  test('and where there is none, or no fabric, that is what is missing', async () => {
    const fabricId = await world.seedFabric()
    for (const id of [fabricId, 'fab_none', null]) {
      const row = rowOf({ kind: 'service_principal', appConnectionId: null, fabricId: id })
      const found = credentialsOf(deps(), world.scope, row)
      expect(await codeOf(found)).toBe('service_principal_missing')
    }
  })
})

describe('whose answers a grant’s are', () => {
  test('is told by its app connection or its fabric, and by nothing else', async () => {
    const fabricId = await world.seedFabric()
    const { own, scope } = world
    const databricks = providerOf('databricks')
    expect(await providerOfGrant(own, scope, rowOf({}))).toBe(databricks)
    const unattended = rowOf({ appConnectionId: null, fabricId })
    expect(await providerOfGrant(own, scope, unattended)).toBe(databricks)
    const lost = [
      rowOf({ appConnectionId: 'apc_none', fabricId }),
      rowOf({ appConnectionId: null, fabricId: 'fab_none' }),
      rowOf({ appConnectionId: null })
    ]
    for (const row of lost) expect(await codeOf(providerOfGrant(own, scope, row))).toBe('not_found')
  })

  test('a provider that is not registered is our own fault', async () => {
    const asked = (async () => providerOf('snowflake'))()
    expect(await failureOf(asked)).toMatchObject({
      code: 'internal',
      note: 'a provider that is not registered'
    })
  })
})
