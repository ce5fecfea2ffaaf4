import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createFederationPolicies,
  type RunningDatabricks,
  simulatedAccountId,
  startDatabricks
} from '../../src/local/databricks/workspace.ts'
import { api, people, postForm, principal } from './workspace-support.ts'

const admin = { clientId: 'account-admin', clientSecret: 'dose-admin', displayName: 'Admin' }
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const audience = 'https://workspace.test/oidc/v1/token'
const subject = 'tenant:one:fabric:two'
const account = `/api/2.0/accounts/${simulatedAccountId}`

let server: Server
let issuer: string
let workspace: RunningDatabricks
let adminToken: string
let policiesPath: string
const published = { issuer: '', keys: [] as JWK[], status: 200 }
const keysOf = async (alg: string) => {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `kid-${alg}`, alg } }
}
let signer: Awaited<ReturnType<typeof keysOf>>
let stranger: Awaited<ReturnType<typeof keysOf>>

beforeAll(async () => {
  signer = await keysOf('ES256')
  stranger = await keysOf('ES256')
  server = createServer((req, res) => {
    const isKeys = req.url === '/jwks'
    const body = isKeys
      ? { keys: published.keys }
      : { issuer: published.issuer, jwks_uri: `${issuer}/jwks` }
    res.writeHead(published.status, { 'content-type': 'application/json' })
    res.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://localhost:${(server.address() as AddressInfo).port}` // it listens on TCP
  workspace = await startDatabricks({
    port: 0,
    workspaceId: '900800700600',
    name: 'Federated',
    people,
    servicePrincipals: [principal, { ...admin, isAccountAdmin: true }],
    federationPolicies: createFederationPolicies()
  })
  const form = { grant_type: 'client_credentials', scope: 'all-apis' }
  const client = { client_id: admin.clientId, client_secret: admin.clientSecret }
  const { body } = await postForm(`${workspace.url}/oidc/v1/token`, { ...form, ...client })
  adminToken = body.access_token
  const filter = encodeURIComponent(`applicationId eq "${principal.clientId}"`)
  const found = await asAdmin<{ Resources: { id: string }[] }>(
    `${account}/scim/v2/ServicePrincipals?filter=${filter}`
  )
  policiesPath = `${account}/servicePrincipals/${found.body.Resources[0]?.id}/federationPolicies`
})
afterAll(async () => {
  await workspace?.stop()
  server?.close()
})
beforeEach(async () => {
  Object.assign(published, { issuer, keys: [signer.jwk], status: 200 })
  const { body } = await asAdmin<{ policies: { policy_id: string }[] }>(policiesPath)
  for (const one of body.policies) await asAdmin(`${policiesPath}/${one.policy_id}`, 'DELETE')
})

async function asAdmin<T = Record<string, unknown>>(path: string, method = 'GET', body?: object) {
  const answer = await fetch(workspace.url + path, {
    method,
    headers: { authorization: `Bearer ${adminToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  return { status: answer.status, body: (await answer.json()) as T } // its documented shape
}

const policy = (more: object = {}) => ({
  oidc_policy: { issuer, audiences: [audience], subject, ...more }
})
const create = (more: object = {}) => asAdmin(policiesPath, 'POST', policy(more))

async function jwt(claims: Record<string, unknown> = {}, key = signer): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = { iss: issuer, aud: audience, sub: subject, iat: now, exp: now + 600, ...claims }
  return await new SignJWT(all)
    .setProtectedHeader({ alg: key.alg, kid: key.jwk.kid, typ: 'JWT' })
    .sign(key.privateKey)
}
const exchange = (subjectToken: string, more: Record<string, string> = {}) =>
  postForm(`${workspace.url}/oidc/v1/token`, {
    grant_type: exchangeGrant,
    subject_token: subjectToken,
    subject_token_type: jwtType,
    scope: 'all-apis',
    client_id: principal.clientId,
    ...more
  })

describe('federation policies of a service principal', () => {
  test('are made, listed, changed and deleted in the documented shapes', async () => {
    const made = await asAdmin(`${policiesPath}?policy_id=weft`, 'POST', {
      ...policy(),
      description: 'Weft'
    })
    expect(made.body).toMatchObject({
      name: `${policiesPath.slice('/api/2.0/'.length)}/weft`,
      policy_id: 'weft',
      description: 'Weft',
      oidc_policy: { issuer, audiences: [audience], subject }
    })
    expect((await asAdmin(`${policiesPath}?policy_id=weft`, 'POST', policy())).status).toBe(409)
    const changed = await asAdmin(`${policiesPath}/weft`, 'PATCH', policy({ subject: 'other' }))
    expect(changed.body).toMatchObject({ oidc_policy: { subject: 'other' } })
    expect((await asAdmin(policiesPath)).body).toMatchObject({ policies: [changed.body] })
    expect(await asAdmin(`${policiesPath}/weft`, 'DELETE')).toEqual({ status: 200, body: {} })
    expect((await asAdmin(`${policiesPath}/weft`)).status).toBe(404)
  })

  test.each([
    ['no subject', { subject: '' }],
    ['an issuer over plain http', { issuer: 'http://weft.example' }],
    ['keys that are none', { jwks_json: 'nonsense' }],
    ['private keys', { jwks_json: JSON.stringify({ keys: [{ kty: 'EC', d: 'secret' }] }) }]
  ])('are refused with %s', async (_, more) => {
    expect(await create(more)).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE' }
    })
  })

  test('are for account admins, at most twenty, of service principals that exist', async () => {
    const { status } = await api(workspace.url, policiesPath, undefined)
    expect(status).toBe(401)
    for (let made = 0; made < 20; made += 1) expect((await create()).status).toBe(200)
    expect((await create()).status).toBe(400)
    const other = `${account}/servicePrincipals/1/federationPolicies`
    expect((await asAdmin(other)).status).toBe(404)
  })
})

describe('a token exchange', () => {
  test('gives a token of the service principal that ends with the JWT', async () => {
    await create()
    const { status, body } = await exchange(await jwt())
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'all-apis' })
    expect(body.expires_in).toBeGreaterThan(595)
    expect(body.expires_in).toBeLessThanOrEqual(600)
    const me = await api(workspace.url, '/api/2.0/preview/scim/v2/Me', body.access_token)
    expect(me.body).toMatchObject({ userName: principal.clientId })
  })

  test('takes RS256 as well, and keys that stand in the policy without asking the issuer', async () => {
    const rsa = await keysOf('RS256')
    published.status = 500
    await create({ jwks_json: JSON.stringify({ keys: [rsa.jwk] }) })
    expect((await exchange(await jwt({}, rsa))).status).toBe(200)
    expect((await exchange(await jwt())).body.error).toBe('invalid_grant')
  })

  const refusals: readonly (readonly [
    string,
    RegExp,
    {
      readonly claims?: Record<string, unknown>
      readonly form?: Record<string, string>
      readonly policy?: object | null
      readonly before?: () => void
      readonly isForged?: boolean
    }
  ])[] = [
    ['no policy', /TOKEN_INVALID \(Ensure a valid federation policy/, { policy: null }],
    ['no client_id', /TOKEN_INVALID \(Ensure a valid federation/, { form: { client_id: '' } }],
    ['another issuer', /TOKEN_INVALID \(Ensure/, { policy: { issuer: 'https://other.test' } }],
    ['another subject', /TOKEN_SUBJECT_INVALID/, { policy: { subject: 'tenant:two' } }],
    ['another audience', /TOKEN_AUDIENCE_INVALID/, { claims: { aud: 'https://other.test' } }],
    ['an account id as the only audience', /TOKEN_AUDIENCE/, { policy: { audiences: undefined } }],
    ['a JWT that is over', /TOKEN_EXPIRED/, { claims: { exp: 1_000 } }],
    ['a JWT without an end', /TOKEN_EXPIRED/, { claims: { exp: undefined } }],
    ['a signature by another key', /matches no key/, { isForged: true }],
    ['an issuer that is down', /Unable to fetch/, { before: () => (published.status = 503) }],
    [
      'metadata of another issuer',
      /Unable to fetch/,
      { before: () => (published.issuer = 'https://other.test') }
    ]
  ]
  test.each(refusals)('is refused with %s', async (_, words, given) => {
    if (given.policy !== null) await create(given.policy)
    given.before?.()
    const token = await jwt(given.claims, given.isForged ? stranger : signer)
    const { status, body } = await exchange(token, given.form)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(body.error_description).toMatch(words)
  })

  test('is refused for a client that is no service principal', async () => {
    const { status, body } = await exchange(await jwt(), { client_id: 'nobody' })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  })
})
