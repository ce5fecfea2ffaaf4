import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FabricId, TeamId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { createWorkloadIdentity, subjectOf } from '../../src/vault/workload-identity.ts'
import { clearPolicies, policiesAt } from './simulated-policies.ts'
import { failedAt, idle, principalOf, summary, unheard } from './testing.ts'
import {
  accountAdmin,
  as,
  blue,
  createWorld,
  faultOf,
  green,
  principal,
  type World
} from './world.ts'

const day = 24 * 3_600_000
const federated = { clientId: principal.clientId, federated: true } as const
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

let world: World
let fabricId: FabricId
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())
beforeEach(async () => {
  await world.clear()
  world.issuer.status = 200
  await clearPolicies(world, principal.clientId)
  fabricId = await create()
})

async function create(scope: TenantScope = as.lead, teamId?: TeamId): Promise<FabricId> {
  const more = { servicePrincipal: federated, ...(teamId === undefined ? {} : { teamId }) }
  return (await world.fabrics.create(scope, world.newFabric(more))).id
}
const register = (withKeys = false, id = fabricId, scope = as.lead) =>
  world.federationPolicies.register(scope, id, {
    accountHost: world.workspace.url,
    accountId: simulatedAccountId,
    admin: { ...accountAdmin, clientSecret: new Secret(accountAdmin.clientSecret) },
    withKeys
  })
const makePolicy = (more: object) => {
  const subject = subjectOf({ tenantId: 'ten_acme', teamId: 'team_red', id: fabricId })
  const audiences = [`${world.workspace.url}/oidc/v1/token`]
  const oidc_policy = { issuer: world.issuer.url, audiences, subject, ...more }
  return policiesAt(world, principal.clientId, 'POST', { oidc_policy })
}
const run = (id = fabricId, scope: TenantScope = as.lead) =>
  world.fabrics.testConnection(scope, id, 'service_principal', unheard, idle())
const ask = async (id = fabricId, scope: TenantScope = as.lead) => summary(await run(id, scope))
const patch = async (
  servicePrincipal: Parameters<World['fabrics']['update']>[2]['servicePrincipal']
) => {
  const { version } = await world.fabrics.get(as.lead, fabricId)
  return await world.fabrics.update(as.lead, fabricId, { version, servicePrincipal })
}
const grants = async () => (await world.log()).flatMap(({ grantType }) => grantType ?? [])

describe('a service principal without a secret', () => {
  test('is who Databricks takes the fabric for, by a JWT that it has checked', async () => {
    await register()
    const result = await run()
    expect(result.ok).toBe(true)
    expect(result.identity).toMatchObject({
      userName: principal.clientId,
      kind: 'service_principal'
    })
    expect((await grants()).filter((grant) => grant === exchangeGrant)).toHaveLength(1)
    expect((await world.fabrics.get(as.lead, fabricId)).servicePrincipal).toEqual({
      clientId: principal.clientId,
      federated: true,
      clientSecret: null,
      clientSecrets: []
    })
  })

  test('C1 has no secret in any table, and no JWT that was signed for it', async () => {
    await register()
    await run()
    expect(await world.sql('SELECT id FROM client_secrets')).toEqual([])
    const tables = await world.sql<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
    )
    for (const { name } of tables) {
      const rows = JSON.stringify(await world.sql(`SELECT to_jsonb(t) FROM ${name} t`))
      expect(rows, name).not.toMatch(/canary|dose/)
      // Header, payload and signature; what is sealed has an empty second part.
      expect(rows, name).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/)
    }
  })

  test('gives up its secrets when it is federated, and its JWT when it gets one', async () => {
    await patch(principalOf(principal))
    expect(await ask()).toMatchObject({ token: 'passed' })
    expect((await patch(federated)).servicePrincipal?.clientSecrets).toEqual([])
    expect(await world.sql('SELECT id FROM client_secrets')).toEqual([])
    expect(await world.sql('SELECT id FROM grants')).toEqual([])
    expect(await ask()).toEqual(failedAt('token', 'federation_policy_missing provider_admin'))
    const back = await patch(principalOf(principal))
    expect(back.servicePrincipal).toMatchObject({ federated: false, clientSecret: { isSet: true } })
    const before = (await grants()).length
    expect(await ask()).toMatchObject({ token: 'passed' })
    expect((await grants()).slice(before)).toEqual(['client_credentials'])
  })

  test('takes no secret beside its JWT', async () => {
    const added = world.fabrics.addPrincipalSecret(as.lead, fabricId, {
      clientSecret: new Secret(principal.clientSecret)
    })
    expect((await faultOf(added)).code).toBe('conflict')
    expect(await world.sql('SELECT id FROM client_secrets')).toEqual([])
  })

  test('can’t be tested before the fabric is saved, since the policy names it', async () => {
    const input = world.newFabric({ servicePrincipal: federated })
    const testing = world.fabrics.testUnsaved
    const result = await testing(as.lead, input, 'service_principal', unheard, idle())
    expect(summary(result)).toEqual(failedAt('token', 'federation_policy_missing provider_admin'))
  })
})

describe('a federation policy that does not do', () => {
  const missing = 'federation_policy_missing provider_admin'
  const mismatch = 'federation_policy_mismatch provider_admin'
  const keys = 'federation_keys_unavailable provider_admin'
  test.each<[string, () => Promise<unknown>, string]>([
    ['is not there', async () => undefined, missing],
    ['is for another issuer', () => makePolicy({ issuer: 'https://other.test' }), missing],
    ['is for another fabric', () => makePolicy({ subject: 'tenant:x:fabric:y' }), mismatch],
    ['is for another workspace', () => makePolicy({ audiences: ['https://other.test'] }), mismatch],
    ['has the account as its only audience', () => makePolicy({ audiences: undefined }), mismatch],
    ['has keys that are not Weft’s', () => makePolicy({ jwks_json: '{"keys":[]}' }), keys],
    [
      'leaves the keys to an issuer that is out of reach',
      async () => {
        await register()
        world.issuer.status = 503
      },
      keys
    ]
  ])('%s: the test says so, and whose move it is', async (_, before, expected) => {
    await before()
    expect(await ask()).toEqual(failedAt('token', expected))
    const grant = await world.sql('SELECT state, cause FROM grants')
    expect(grant).toEqual([{ state: 'misconfigured', cause: expected.split(' ')[0] }])
  })

  test('is mended: the next test succeeds at once', async () => {
    expect((await run()).ok).toBe(false)
    await register()
    expect((await run()).ok).toBe(true)
    world.clock.advance(2 * 3_600_000)
    world.issuer.status = 503
    expect((await run()).ok).toBe(false)
    expect(await register(true)).toMatchObject({ outcome: 'updated' })
    expect((await run()).ok).toBe(true)
  })

  test.each([
    ['a token endpoint that is down', { tokenStatus: 503 }, 'upstream_unavailable upstream'],
    ['one that says rubbish', { tokenBody: '{"access_token":' }, 'upstream_unavailable upstream']
  ])('is not what %s means', async (_, faults, expected) => {
    await register()
    await world.faults(faults)
    expect(await ask()).toEqual(failedAt('token', expected))
  })

  test('is not what a client that does not exist means', async () => {
    await patch({ ...federated, clientId: '00000000-0000-4000-8000-000000000000' })
    expect(await ask()).toEqual(failedAt('token', 'service_principal_refused team_admin'))
  })
})

describe('D3 a policy lets in its own fabric alone', () => {
  test('and not another tenant’s that names the same service principal', async () => {
    await register()
    const theirs = await create(as.stranger, green)
    const denied = failedAt('token', 'federation_policy_mismatch provider_admin')
    expect(await ask(theirs, as.stranger)).toEqual(denied)
    expect((await run()).ok).toBe(true)
  })

  test('and not the same fabric in the hands of another team', async () => {
    await register()
    expect((await run()).ok).toBe(true)
    const { version } = await world.fabrics.get(as.lead, fabricId)
    await world.fabrics.transfer(as.admin, fabricId, { teamId: blue, version })
    const now = await world.fabrics.get(as.outsider, fabricId)
    expect(now.servicePrincipal).toBeNull()
    const again = { version: now.version, servicePrincipal: federated }
    await world.fabrics.update(as.outsider, fabricId, again)
    const denied = failedAt('token', 'federation_policy_mismatch provider_admin')
    expect(await ask(fabricId, as.outsider)).toEqual(denied)
  })

  test('and not the same fabric at another workspace of the account', async () => {
    await register()
    const { version } = await world.fabrics.get(as.lead, fabricId)
    const workspaceUrl = world.elsewhere.url
    const servicePrincipal = federated
    await world.fabrics.update(as.lead, fabricId, { version, workspaceUrl, servicePrincipal })
    expect(await ask()).toMatchObject({ token: 'federation_policy_mismatch provider_admin' })
  })
})

test('signing keys are replaced while tokens are asked for: whoever got the keys before knows the new one', async () => {
  const { signingKeys, clock, issuer } = world
  const workload = createWorkloadIdentity({ signingKeys, clock, publicUrl: issuer.url })
  const audience = `${world.workspace.url}/oidc/v1/token`
  const fabric = { tenantId: 'ten_acme', teamId: 'team_red', id: fabricId }
  const sign = async () => (await workload.tokenFor(fabric, audience)).reveal()
  const kidOf = (token: string) => decodeProtectedHeader(token).kid
  const exchange = async (subjectToken: string) => {
    const answer = await fetch(audience, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: exchangeGrant,
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        client_id: principal.clientId,
        scope: 'all-apis'
      })
    })
    return answer.status
  }
  await sign()
  clock.advance(2 * day)
  await signingKeys.rotate()
  await register(true)
  let last = await sign()
  const first = kidOf(last)
  while (kidOf(last) === first) {
    clock.advance(10 * 60_000)
    // Some turns of the clock at once, as long as nothing is about to happen.
    const until = (await signingKeys.publishedUntil()).getTime() - 30 * day - clock.now().getTime()
    if (until > day) clock.advance(until - day / 2)
    const [before, , after] = await Promise.all([sign(), signingKeys.rotate(), sign()])
    expect(await Promise.all([last, before, after].map(exchange))).toEqual([200, 200, 200])
    last = after
  }
})
