import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { PolicyRegistrationInput } from '../../src/fabrics/federation-policies.ts'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { clearPolicies, policiesAt } from './simulated-policies.ts'
import { principalOf } from './testing.ts'
import { accountAdmin, as, createWorld, faultOf, narrow, principal, type World } from './world.ts'

let world: World
let fabricId: FabricId
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())
beforeEach(async () => {
  await world.clear()
  await clearPolicies(world, principal.clientId)
  const servicePrincipal = principalOf(principal)
  fabricId = (await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))).id
})

const get = (scope = as.lead) => world.federationPolicies.get(scope, fabricId)
const register = (more: Partial<PolicyRegistrationInput> = {}, scope = as.lead) =>
  world.federationPolicies.register(scope, fabricId, {
    accountHost: world.workspace.url,
    accountId: simulatedAccountId,
    admin: { ...accountAdmin, clientSecret: new Secret(accountAdmin.clientSecret) },
    withKeys: false,
    ...more
  })
const registered = () => policiesAt(world, principal.clientId)

describe('the federation policy of a fabric', () => {
  test('names Weft, the one workspace, and tenant, team and fabric', async () => {
    const view = await get()
    const subject = `tenant:ten_acme:team:team_red:fabric:${fabricId}`
    const audiences = [`${world.workspace.url}/oidc/v1/token`]
    const { clientId } = principal
    expect(view).toMatchObject({ clientId, issuer: world.issuer.url, audiences, subject })
    expect(view.policy).toEqual({ oidc_policy: { issuer: world.issuer.url, audiences, subject } })
  })

  test('carries Weft’s public keys where they are wanted, and tells until when they do', async () => {
    const { withKeys } = await get()
    const { jwks_json } = (withKeys.policy as { oidc_policy: { jwks_json: string } }).oidc_policy
    expect(JSON.parse(jwks_json)).toEqual(await world.signingKeys.published())
    expect(jwks_json).not.toContain('"d"')
    expect(withKeys.goodUntil.getTime()).toBeGreaterThan(world.clock.now().getTime())
  })

  test('is a command that a shell reads as it is meant', async () => {
    const { command, policy } = await get()
    const words = execFileSync('sh', [
      '-c',
      `databricks() { case "$2" in service-principals) echo '[{"id":"42"}]';; *) printf '%s\\n' "$@";; esac; }
       jq() { echo 42; }
       ${command}`
    ])
      .toString()
      .trimEnd()
      .split('\n')
    expect(words.slice(0, 5)).toEqual([
      'account',
      'service-principal-federation-policy',
      'create',
      '42',
      '--json'
    ])
    expect(JSON.parse(words[5] ?? '')).toEqual(policy)
  })

  test('is another one for another workspace', async () => {
    const before = await get()
    const { version } = await world.fabrics.get(as.lead, fabricId)
    const servicePrincipal = principalOf(principal)
    const moved = { version, workspaceUrl: world.elsewhere.url, servicePrincipal }
    await world.fabrics.update(as.lead, fabricId, moved)
    expect((await get()).audiences).not.toEqual(before.audiences)
  })

  test('is not there without a service principal', async () => {
    const { version } = await world.fabrics.get(as.lead, fabricId)
    await world.fabrics.update(as.lead, fabricId, { version, servicePrincipal: null })
    expect((await faultOf(get())).code).toBe('service_principal_missing')
    expect((await faultOf(register())).code).toBe('service_principal_missing')
  })

  test('404 for another team and tenant, 403 for a member', async () => {
    for (const work of [get, (scope = as.lead) => register({}, scope)]) {
      expect((await faultOf(work(as.stranger))).code).toBe('not_found')
      expect((await faultOf(work(as.outsider))).code).toBe('not_found')
      expect((await faultOf(work(as.member))).code).toBe('forbidden')
    }
    expect(await registered()).toEqual([])
  })
})

describe('its registration', () => {
  test('makes it at the account, once, and keeps no credential', async () => {
    const made = await register()
    expect(made.outcome).toBe('created')
    expect(await registered()).toMatchObject([{ policy_id: made.policyId, ...made.policy }])
    expect(await register()).toMatchObject({ outcome: 'unchanged', policyId: made.policyId })
    expect(await registered()).toHaveLength(1)
    expect(await world.dump()).not.toContain(accountAdmin.clientSecret)
    const details = { outcome: 'created', clientId: principal.clientId, policyId: made.policyId }
    expect(await world.audit('federation_policy.register')).toMatchObject([
      { actor_id: 'usr_lead', details },
      { details: { outcome: 'unchanged' } }
    ])
  })

  test('sets right what has changed, with the keys and without them', async () => {
    const { policyId } = await register()
    const withKeys = await register({ withKeys: true })
    expect(withKeys).toMatchObject({ policyId, outcome: 'updated' })
    expect(await registered()).toMatchObject([withKeys.withKeys.policy])
    expect(await register({ withKeys: true })).toMatchObject({ outcome: 'unchanged' })
    expect(await register()).toMatchObject({ policyId, outcome: 'updated' })
    expect((await registered())[0]?.oidc_policy).not.toHaveProperty('jwks_json')
  })

  test('leaves the policies of others alone', async () => {
    await register()
    const servicePrincipal = principalOf(principal)
    const other = await world.fabrics.create(
      as.lead,
      world.newFabric({ name: 'Other', servicePrincipal })
    )
    const [mine] = await registered()
    fabricId = other.id
    await register()
    expect(await registered()).toEqual([mine, expect.anything()])
  })

  const wrong = { clientId: accountAdmin.clientId, clientSecret: new Secret('wrong-secret') }
  test.each<[string, () => Partial<PolicyRegistrationInput>, string, string?]>([
    ['a wrong secret', () => ({ admin: wrong }), 'invalid_request', '/clientSecret'],
    ['no account admin', () => ({ admin: principalOf(principal) }), 'invalid_request', '/clientId'],
    [
      'another account',
      () => ({ accountId: '00000000-3b2a-4190-8f7e-6d5c4b3a2910' }),
      'invalid_request',
      '/accountId'
    ],
    ['a host that is no account', () => ({ accountHost: 'https://evil.test' }), 'host_not_allowed']
  ])('is refused with %s, and sends nothing', async (_, more, code, pointer) => {
    const fault = await faultOf(register(more()))
    expect([fault.code, fault.errors?.[0]?.pointer]).toEqual([code, pointer])
    expect(await registered()).toEqual([])
  })

  test('is refused where the account does not have the service principal', async () => {
    const { version } = await world.fabrics.get(as.lead, fabricId)
    const clientId = '00000000-0000-4000-8000-000000000000'
    const servicePrincipal = principalOf({ ...narrow, clientId })
    await world.fabrics.update(as.lead, fabricId, { version, servicePrincipal })
    const fault = await faultOf(register())
    expect([fault.code, fault.errors?.[0]?.pointer]).toEqual(['invalid_request', '/accountId'])
  })

  test('is a conflict where the account takes no more policies', async () => {
    for (let made = 0; made < 20; made += 1) {
      const policy = { oidc_policy: { issuer: 'https://other.test', subject: String(made) } }
      await policiesAt(world, principal.clientId, 'POST', policy)
    }
    expect((await faultOf(register())).code).toBe('conflict')
  })
})
