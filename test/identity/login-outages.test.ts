import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import { ann, expectRefused, loginsOf } from './refusal.ts'
import { clientSecret, codeOf, createWorld, errorOf, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())
beforeEach(() => {
  world.oidc.reset()
  world.clock.advance(61_000)
})

describe('A14 a broken identity provider logs nobody in and gives nothing away', () => {
  test('A14 discovery that fails is asked once in a while, not once a login', async () => {
    await world.createTenant('initech')
    world.oidc.script.discoveryStatus = 500
    const before = world.oidc.counts.discovery
    for (let n = 0; n < 5; n += 1) {
      expect(await codeOf(world.start({ tenantSlug: 'initech' }))).toBe('upstream_unavailable')
    }
    expect(world.oidc.counts.discovery).toBe(before + 1)
    world.oidc.reset()
    world.clock.advance(6_000)
    expect(await codeOf(world.start({ tenantSlug: 'initech' }))).toBe('no error')
  })

  const spoiled: [string, Record<string, unknown>][] = [
    ['another issuer', { issuer: 'https://evil.test' }],
    ['an issuer with a slash more', { issuer: 'SLASH' }],
    ['no keys', { jwks_uri: undefined }],
    ['no token endpoint', { token_endpoint: undefined }]
  ]
  test.each(spoiled)('A14 metadata with %s is not used', async (name, change) => {
    const slug = `broken-${name.replaceAll(/[^a-z]+/g, '-')}`
    await world.createTenant(slug)
    world.oidc.script.metadata = (metadata) => ({
      ...metadata,
      ...change,
      ...(change.issuer === 'SLASH' ? { issuer: `${metadata.issuer}/` } : {})
    })
    expect(await codeOf(world.start({ tenantSlug: slug }))).toBe('discovery_failed')
  })

  test('B2 metadata that points to a private address is not followed', async () => {
    await world.createTenant('umbrella')
    world.oidc.script.metadata = (metadata) => ({
      ...metadata,
      jwks_uri: 'http://169.254.169.254/latest/meta-data'
    })
    expect(await codeOf(world.start({ tenantSlug: 'umbrella' }))).toBe('host_not_allowed')
  })

  test('A14 a wrong client secret', async () => {
    world.oidc.script.tokenAnswer = { status: 401, body: { error: 'invalid_client' } }
    const err = await errorOf(world.login(ann))
    expect(err).toMatchObject({ code: 'unauthenticated' })
    expect(err?.detail).toContain('invalid_client')
  })

  test('A14 an outage at the token endpoint is an outage, on record as a failure', async () => {
    world.oidc.script.tokenAnswer = { status: 503, body: 'down' }
    expect(await codeOf(world.login(ann))).toBe('upstream_unavailable')
    expect((await loginsOf(world)).at(-1)).toMatchObject({ outcome: 'failed' })
  })

  test('A14 an empty key set', async () => {
    world.oidc.script.keys = () => []
    world.oidc.script.sign = signWith(await newSigningKey())
    await expectRefused(world)
  })

  test('I1 nothing that the identity provider says travels in an error', async () => {
    const canary = 'canary-7d1f'
    const bodies = [
      { error: 'invalid_grant', error_description: canary },
      { error: canary, error_description: canary },
      { access_token: canary, token_type: canary, id_token: canary },
      { access_token: canary, token_type: 'Bearer', id_token: `${canary}.${canary}.${canary}` },
      canary
    ]
    for (const [at, body] of bodies.entries()) {
      world.oidc.script.tokenAnswer = { status: at < 2 ? 400 : 200, body }
      const err = await errorOf(world.login(ann))
      const shown = inspect(err, { depth: 20, showHidden: true })
      expect(shown).not.toContain(canary)
      expect(shown).not.toContain(clientSecret)
      expect(err).toMatchObject({ code: 'unauthenticated' })
      expect(err?.cause).toBeUndefined()
    }
  })
})
