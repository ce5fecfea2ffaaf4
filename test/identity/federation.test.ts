import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import { createWorkloads, type Workloads } from './workloads.ts'
import { auditOf, codeOf, type Replica } from './world.ts'

let world: Workloads
let elsewhere: Replica
let account: Awaited<ReturnType<Workloads['account']>>

beforeAll(async () => {
  world = await createWorkloads()
  elsewhere = world.replica()
  account = await world.account()
})
afterAll(() => world?.close())
beforeEach(() => world.clock.advance(61_000))
afterEach(() => world.oidc.reset())

const exchange = (token: string, more: Record<string, string> = {}) =>
  world.exchange(account.id, token, more)
const said = async (token: string) => (await exchange(token)).said
const seen = (bearer: string, { identity } = elsewhere) =>
  codeOf(
    identity.authenticate({
      sessionToken: null,
      bearer,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
const lastRecord = async () =>
  (await auditOf(world, world.acme.tenantId, 'service_token.issue')).at(-1)

describe('the issuer’s keys', () => {
  test('a flood of unknown keys and bad signatures costs the issuer one look in a minute', async () => {
    expect(await said(await world.sign())).toBe('token')
    world.clock.advance(61_000)
    const before = world.oidc.counts.keys
    const stranger = await newSigningKey()
    const flood = await Promise.all(
      Array.from({ length: 25 }, async (_, n) => {
        const kid = n % 2 === 0 ? `kid-${n}` : world.oidc.key.kid
        return await said(await signWith(stranger, { kid })(world.claims()))
      })
    )
    expect(new Set(flood)).toEqual(new Set(['invalid_request']))
    expect(world.oidc.counts.keys - before).toBe(1)
  })

  test('a stranger who fits no identity makes Weft call nobody', async () => {
    const fresh = await world.account({ issuer: `${world.oidc.issuer}/other` })
    const before = { ...world.oidc.counts }
    const claims = world.claims({ iss: `${world.oidc.issuer}/other`, sub: 'guess' })
    expect((await world.exchange(fresh.id, await world.sign(claims))).said).toBe('invalid_request')
    expect(world.oidc.counts).toEqual(before)
  })

  test('keys that rotate mid-way are had after one look, with a new kid and with the same', async () => {
    expect(await said(await world.sign())).toBe('token')
    for (const kid of [undefined, world.oidc.key.kid]) {
      world.clock.advance(61_000)
      world.oidc.key = await newSigningKey(kid)
      const before = world.oidc.counts.keys
      expect(await said(await world.sign())).toBe('token')
      expect(world.oidc.counts.keys - before).toBe(1)
    }
  })

  test('an issuer that is away is believed by its last keys for an hour, then nobody is', async () => {
    const token = () => world.sign()
    expect(await said(await token())).toBe('token')
    world.oidc.script.discoveryStatus = 503
    world.clock.advance(30 * 60_000)
    expect(await said(await token())).toBe('token')
    world.clock.advance(31 * 60_000)
    const answer = await exchange(await token())
    expect([answer.status, answer.said]).toEqual([502, 'temporarily_unavailable'])
    expect(await lastRecord()).toMatchObject({ outcome: 'refused', code: 'upstream_unavailable' })
    world.oidc.reset()
    world.clock.advance(10_001)
    expect(await said(await token())).toBe('token')
  })

  test('T1 metadata of another issuer, or with keys where Weft calls nobody, is not used', async () => {
    const spoilt: ((metadata: Record<string, unknown>) => Record<string, unknown>)[] = [
      (metadata) => ({ ...metadata, issuer: 'https://elsewhere.test' }),
      (metadata) => ({ ...metadata, jwks_uri: 'http://169.254.169.254/keys' }),
      (metadata) => ({ ...metadata, jwks_uri: 'https://127.0.0.1/keys' }),
      ({ jwks_uri: _, ...metadata }) => metadata
    ]
    for (const metadata of spoilt) {
      world.clock.advance(61 * 60_000)
      world.oidc.script.metadata = metadata
      expect((await exchange(await world.sign())).said).not.toBe('token')
    }
  })

  test('keys may be given, or their address, without any discovery', async () => {
    const before = world.oidc.counts.discovery
    const claims = world.claims({ iss: 'https://kubernetes.default.svc.cluster.local' })
    const issuer = claims.iss
    const { x5c: _, ...jwk } = world.oidc.key.jwk
    const given = await world.account({ issuer, jwks: { keys: [jwk] } })
    expect((await world.exchange(given.id, await world.sign(claims))).said).toBe('token')
    const found = await world.account({ issuer, jwksUri: `${world.oidc.issuer}/keys` })
    expect((await world.exchange(found.id, await world.sign(claims))).said).toBe('token')
    expect(world.oidc.counts.discovery).toBe(before)
  })
})

describe('F34 what is taken away', () => {
  test('F34 a token ends on the other replica with its identity, a change of it, or its account', async () => {
    const removed = await world.account()
    const changed = await world.account()
    const gone = await world.account()
    const kept = await world.account()
    const tokens = await Promise.all(
      [removed, changed, gone, kept].map(
        async ({ id }) => (await world.exchange(id, await world.sign())).token
      )
    )
    for (const token of tokens) expect(await seen(token)).toBe('no error')
    const { admin } = world
    await admin.call('DELETE', `${removed.path}/${removed.identityId}`)
    const patch = { subject: 'system:serviceaccount:etl:other', version: 1 }
    await admin.call('PATCH', `${changed.path}/${changed.identityId}`, patch)
    await admin.call('DELETE', `/api/v1/service-accounts/${gone.id}`)
    for (const token of tokens.slice(0, 3)) expect(await seen(token, world)).toBe('unauthenticated')
    await elsewhere.noticeChanges()
    const after = await Promise.all(tokens.map((token) => seen(token)))
    expect(after).toEqual(['unauthenticated', 'unauthenticated', 'unauthenticated', 'no error'])
  })

  test('a refusal is on record by what failed, without a word of the stranger’s', async () => {
    const claims = world.claims({ sub: 'canary-subject', aud: 'canary-audience' })
    await exchange(await world.sign(claims))
    const record = await lastRecord()
    expect(record).toMatchObject({ outcome: 'refused', code: 'invalid_request' })
    expect(record?.details).toEqual({
      federatedIdentityId: account.identityId,
      failed: ['audience', 'subject']
    })
  })

  test('a stranger’s failures lock no workload out that was right here before', async () => {
    const source = '198.51.100.44'
    const asked = { tenantSlug: null, target: null, source, requestId: 'request-1' }
    const ask = (assertion: string) =>
      codeOf(
        world.identity.serviceTokens.exchange({
          ...asked,
          serviceAccountId: account.id,
          assertion,
          assertionType: 'jwt'
        })
      )
    expect(await ask(await world.sign())).toBe('no error')
    const guess = await world.sign(world.claims({ sub: 'guess' }))
    for (let n = 0; n < 30; n += 1) expect(await ask(guess)).toBe('invalid_request')
    expect(await ask(guess)).toBe('rate_limited')
    expect(await ask(await world.sign())).toBe('no error')
  })
})
