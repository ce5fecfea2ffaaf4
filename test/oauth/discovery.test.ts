import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { faultOf, metadataPath, openPlace, type Place, provider, tokenPath } from './place.ts'

let place: Place
beforeEach(async () => {
  place = await openPlace()
})
afterEach(() => place.close())

const discover = () => place.servers.discover(provider, place.origin)
const asked = (path: string) => place.seen.filter((one) => one.path === path).length

describe('discovery', () => {
  test('asks for the host’s own configuration first, then the metadata, and pins what it tells', async () => {
    place.tell()
    expect(await discover()).toMatchObject({
      issuer: `${place.origin}/oidc`,
      authorizationEndpoint: `${place.origin}/oidc/v1/authorize`,
      tokenEndpoint: place.origin + tokenPath,
      jwksUri: `${place.origin}/oidc/jwks.json`,
      isIssuerPromised: false
    })
    expect(place.seen.map(({ path }) => path)).toEqual([
      '/.well-known/databricks-config',
      metadataPath
    ])
  })

  test('follows a root on the host itself, and none that lies elsewhere', async () => {
    place.tell()
    const root = `${place.origin}/oidc/accounts/7`
    const own = { oidc_endpoint: `${place.origin}/oidc/accounts/{account_id}`, account_id: '7' }
    place.replies.set('/.well-known/databricks-config', { body: JSON.stringify(own) })
    place.replies.set('/oidc/accounts/7/.well-known/oauth-authorization-server', {
      body: JSON.stringify({
        issuer: root,
        authorization_endpoint: `${root}/v1/authorize`,
        token_endpoint: `${root}/v1/token`
      })
    })
    expect((await discover()).tokenEndpoint).toBe(`${root}/v1/token`)
    place.clock.advance(11 * 60_000)
    const foreign = { oidc_endpoint: 'https://evil.example/oidc' }
    place.replies.set('/.well-known/databricks-config', { body: JSON.stringify(foreign) })
    expect((await discover()).tokenEndpoint).toBe(place.origin + tokenPath)
  })

  test('F29 any path, slash or query of the fabric’s URL is gone: the endpoints come from the origin', async () => {
    for (const pasted of ['/', '/?o=123', '/sql/warehouses', '/ai-gateway/mlflow/v1/#x']) {
      expect(provider.parseWorkspaceUrl(place.origin + pasted).origin).toBe(place.origin)
    }
  })

  test('an endpoint that is written in another spelling of the origin is used in its final form', async () => {
    const loud = place.origin.replace('http://', 'HTTP://')
    place.tell({ token_endpoint: `${loud}/oidc/./v1/token` })
    expect((await discover()).tokenEndpoint).toBe(place.origin + tokenPath)
  })
})

describe('T1 B2 endpoints that are not the workspace’s own', () => {
  const own = (path: string) => (origin: string) => `${origin}${path}`
  const foreign: readonly (readonly [string, (origin: string) => unknown])[] = [
    ['another host', () => 'https://evil.example/oidc/v1/token'],
    ['a subdomain of the host', () => 'https://x.127.0.0.1.evil.example/token'],
    ['another port', () => 'http://127.0.0.1:1/oidc/v1/token'],
    ['another scheme', (origin) => `${origin.replace('http:', 'https:')}/oidc/v1/token`],
    ['a private address', () => 'http://169.254.169.254/latest/meta-data'],
    ['userinfo', (origin) => `${origin.replace('://', '://user@')}/oidc/v1/token`],
    ['a password', (origin) => `${origin.replace('://', '://:secret@')}/oidc/v1/token`],
    ['a query', own('/oidc/v1/token?to=evil')],
    ['a fragment', own('/oidc/v1/token#evil')],
    ['a relative one', () => '/oidc/v1/token'],
    ['javascript', () => 'javascript:alert(1)'],
    ['no text', () => ['https://evil.example']],
    ['null', () => null]
  ]

  test.each(
    ['token_endpoint', 'authorization_endpoint'].flatMap((member) =>
      foreign.map(([what, url]) => [member, what, url] as const)
    )
  )('%s: %s is refused', async (member, _, url) => {
    place.tell({ [member]: url(place.origin) })
    const fault = await faultOf(discover())
    expect(fault.code).toBe('discovery_failed')
    expect(fault.detail).toContain(member)
    expect(fault.detail).not.toContain('evil')
  })

  test.each([
    ['a trailing slash', own('/oidc/')],
    ['another case', (origin: string) => `${origin}/OIDC`],
    ['another host', () => 'https://evil.example/oidc'],
    ['the bare origin', own('')],
    ['a query', own('/oidc?x')],
    ['none', () => undefined]
  ])('RFC 8414 §3.3 an issuer with %s is refused', async (_, issuer) => {
    place.tell({ issuer: issuer(place.origin) })
    expect((await faultOf(discover())).code).toBe('discovery_failed')
  })

  test.each([
    'http://169.254.169.254/latest/meta-data',
    'https://evil.example/jwks.json',
    'https://databricks.com/jwks.json',
    'https://evilcloud.databricks.com.evil.example/jwks.json',
    'http://oregon.cloud.databricks.com/oidc/jwks.json',
    'https://oregon.cloud.databricks.com:8443/oidc/jwks.json',
    'https://2130706433/jwks.json',
    'https://user@oregon.cloud.databricks.com/jwks.json',
    'file:///etc/passwd'
  ])('jwks_uri %s is refused', async (jwksUri) => {
    place.tell({ jwks_uri: jwksUri })
    expect((await faultOf(discover())).code).toBe('discovery_failed')
  })

  test('jwks_uri on a regional host of the provider’s zones is accepted, and so is none', async () => {
    const regional = 'https://oregon.cloud.databricks.com/oidc/jwks.json'
    place.tell({ jwks_uri: regional })
    expect((await discover()).jwksUri).toBe(regional)
    place.clock.advance(11 * 60_000)
    place.tell({ jwks_uri: undefined })
    expect((await discover()).jwksUri).toBeNull()
  })

  test('metadata that changes after the first success is checked again when it is read again', async () => {
    place.tell()
    const first = await discover()
    place.tell({ token_endpoint: 'https://evil.example/oidc/v1/token' })
    expect(await discover()).toEqual(first)
    place.clock.advance(10 * 60_000 + 1)
    expect((await faultOf(discover())).code).toBe('discovery_failed')
    place.tell()
    expect(await discover()).toEqual(first)
  })
})

describe('a host without usable metadata', () => {
  const page = { headers: { 'content-type': 'text/html' }, body: '<!doctype html><h1>Hello</h1>' }

  test.each([
    ['a web page', page, 'oauth_not_enabled'],
    ['nothing there', { status: 404 }, 'oauth_not_enabled'],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://evil.example/' } },
      'oauth_not_enabled'
    ],
    ['no JSON', { body: '{"issuer"' }, 'oauth_not_enabled'],
    ['a JSON list', { body: '[]' }, 'oauth_not_enabled'],
    ['an empty object', { body: '{}' }, 'discovery_failed'],
    ['a server error', { status: 500 }, 'discovery_failed'],
    ['503', { status: 503 }, 'discovery_failed'],
    ['too many requests', { status: 429 }, 'discovery_failed'],
    [
      'T3 more than it should be',
      { body: `{"x":"${'x'.repeat(2_000_000)}"}` },
      'upstream_unavailable'
    ]
  ] as const)('%s', async (_, reply, code) => {
    place.replies.set(metadataPath, reply)
    expect((await faultOf(discover())).code).toBe(code)
  })

  test('nobody there', async () => {
    await place.leave()
    expect((await faultOf(discover())).code).toBe('workspace_unreachable')
  })

  test('a failure is not remembered', async () => {
    place.replies.set(metadataPath, { status: 500 })
    await faultOf(discover())
    place.tell()
    await expect(discover()).resolves.toBeDefined()
  })
})

test('discovery is shared: a hundred callers at once and later ones ask once in ten minutes', async () => {
  place.tell()
  await Promise.all(Array.from({ length: 100 }, discover))
  place.clock.advance(9 * 60_000)
  await discover()
  expect(asked(metadataPath)).toBe(1)
  place.clock.advance(2 * 60_000)
  await discover()
  expect(asked(metadataPath)).toBe(2)
})
