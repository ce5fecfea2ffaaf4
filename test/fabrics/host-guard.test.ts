import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { readWorkspace } from '../../src/fabrics/fabric-input.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { databricks } from '../../src/providers/databricks/databricks.ts'
import { refusedAddress, unheard } from './testing.ts'
import { as, createWorld, faultOf, principal, type World } from './world.ts'

const named = ['http://127.0.0.1:8081', 'https://private.link.test:8443']
const outbound = createOutbound({
  extraOrigins: named,
  clock: { now: () => new Date(0), monotonicMs: () => 0 },
  lookup: () => expect.fail('nothing is looked up to read an address'),
  userAgent: 'weft-test'
})
afterAll(outbound.destroy)

/** The origin that Weft would call, null where the text is refused. */
function originOf(text: string, member: 'workspaceUrl' | 'jdbcUrl'): string | null {
  try {
    return readWorkspace(outbound, databricks, { [member]: text }).origin
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}

describe('E1 E2 whatever is pasted', () => {
  const honest = fc.constantFrom(
    'dbc-1.cloud.databricks.com',
    'ADB-12.3.AzureDatabricks.net',
    'acme.databricks.com',
    'dbc-1.cloud.databricks.us',
    'adb-1.2.databricks.azure.cn'
  )
  const hosts = fc.oneof(
    { weight: 4, arbitrary: honest },
    fc.constantFrom(
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '[::ffff:127.0.0.1]',
      '[64:ff9b::7f00:1]',
      'localhost',
      'app.aws.databricksapps.com',
      'accounts.cloud.databricks.com',
      'dbc-1\u3002cloud.databricks.com',
      'dbc-1\uff0ecloud.databricks.com',
      'xn--dbc-1-9za.cloud.databricks.com',
      'dbc-1%2ecloud.databricks.com',
      'cloud.databricks.com.evil.test',
      'private.link.test'
    ),
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`)
  )
  const text = fc
    .tuple(
      fc.constantFrom(
        '',
        'https://',
        'HTTPS://',
        'http://',
        'ftp://',
        '//',
        'jdbc:databricks://',
        'JDBC:Spark://',
        'jdbc:',
        '\\\\'
      ),
      fc.constantFrom('', '', '', 'user@', 'token:dapi@', '@', '\t', 'x\\@'),
      hosts,
      fc.constantFrom('', '', '', '.', ':443', ':8443', ':8081', ':', ':99999', '\u0000'),
      fc.constantFrom(
        '',
        '/',
        '/?o=12#x',
        '/default;httpPath=/sql/1.0/warehouses/abc;AuthMech=3;PWD=dapi',
        ';UID=token',
        '/..',
        '#@evil.test',
        '?@evil.test'
      )
    )
    .map((parts) => parts.join(''))

  test('it is refused, or is an https origin inside the zones or one that the operator named', () => {
    const seen = { accepted: 0 }
    fc.assert(
      fc.property(
        fc.oneof({ weight: 8, arbitrary: text }, fc.string({ unit: 'binary' }), fc.webUrl()),
        fc.constantFrom('workspaceUrl', 'jdbcUrl'),
        (pasted, member) => {
          const origin = originOf(pasted, member)
          if (origin === null) return
          seen.accepted += 1
          expect(originOf(origin, 'workspaceUrl'), 'read again').toBe(origin)
          if (named.includes(origin)) return
          const { protocol, port, hostname, username, password, href } = new URL(origin)
          expect([protocol, port, username, password]).toEqual(['https:', '', '', ''])
          expect(href).toBe(`${origin}/`)
          expect(hostname).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
          expect(hostname).not.toMatch(/xn--|databricksapps|^accounts/)
          expect(databricks.zones.some((zone) => hostname.endsWith(zone))).toBe(true)
          expect(pasted.toLowerCase(), 'as written').toContain(hostname)
        }
      ),
      { numRuns: 4_000 }
    )
    expect(seen.accepted).toBeGreaterThan(20)
  })

  test.each(databricks.zones)(
    'the zone %s is open, its bare name and look-alikes are not',
    (zone) => {
      expect(originOf(`tenant-1${zone}`, 'workspaceUrl')).toBe(`https://tenant-1${zone}`)
      for (const host of [zone.slice(1), `evil-${zone.slice(1)}`, `x${zone}.evil.test`]) {
        const origin = originOf(host, 'workspaceUrl')
        // One zone's bare name may lie within another: `cloud.databricks.com` is an `{org}.databricks.com`.
        const isInAnother = databricks.zones.some((other) => other !== zone && host.endsWith(other))
        if (!isInAnother) expect(origin, host).toBeNull()
      }
    }
  )
})

describe('B1 a host that is refused', () => {
  const looked: string[] = []
  let world: World
  beforeAll(async () => {
    const lookup = async (hostname: string) => {
      looked.push(hostname)
      return [{ address: '127.0.0.1', family: 4 as const }]
    }
    world = await createWorld({ lookup })
  })
  afterAll(() => world.close())

  const servicePrincipal = {
    clientId: principal.clientId,
    clientSecret: new Secret(principal.clientSecret)
  }
  const signal = new AbortController().signal
  const hostile = [
    'https://evil.example',
    'https://cloud.databricks.com.evil.example',
    'https://x.aws.databricksapps.com',
    'https://1a2b.serving.cloud.databricks.com',
    'https://status.databricks.com',
    'https://dbc-1.cloud.databricks.com:8443',
    'http://dbc-1.cloud.databricks.com',
    'https://dbc-1.cloud.databricks.com.',
    'https://2130706433',
    'jdbc:databricks://evil.example:443;PWD=canary-dapi'
  ]

  test.each(hostile)(
    '%s: no name is looked up, nothing is connected to or stored',
    async (host) => {
      const given = host.startsWith('jdbc:')
        ? { jdbcUrl: host, workspaceUrl: undefined }
        : { workspaceUrl: host }
      const input = world.newFabric({
        ...given,
        compute: undefined,
        name: 'Evil',
        servicePrincipal
      })
      looked.length = 0
      world.clock.advance(60_000)
      const ask = (as_: 'user' | 'service_principal') =>
        world.fabrics.testUnsaved(as.lead, input, as_, unheard, signal)
      const fault = await faultOf(world.fabrics.create(as.lead, input))
      const refused = /^(host_not_allowed|invalid_request)$/
      expect(fault.code).toMatch(refused)
      expect(JSON.stringify([fault, fault.message])).not.toContain('canary')
      for (const who of ['user', 'service_principal'] as const) {
        const result = await ask(who)
        expect(refusedAddress(result)).toMatch(refused)
        expect(JSON.stringify(result)).not.toContain('canary')
      }
      expect(JSON.stringify(await world.audit('fabric.test'))).not.toContain('canary')
      expect(looked).toEqual([])
      expect(await world.sql('SELECT FROM fabrics')).toEqual([])
    }
  )

  test.each(['*.databricksapps.com', 'x.aws.databricksapps.com', '*.com', 'evil.example'])(
    'an app connection’s own list cannot let %s in',
    async (pattern) => {
      const work = world.appConnections.create(as.admin, {
        name: 'Wide',
        provider: 'databricks',
        allowedHosts: [pattern]
      })
      expect(await faultOf(work)).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: '/allowedHosts/0' }]
      })
    }
  )

  test('a host in the zones, not on the app connection’s list: no sign-in begins, nothing is asked', async () => {
    await world.connect({ allowedHosts: ['dbc-1.cloud.databricks.com'] })
    const fabric = await world.fabrics.create(
      as.lead,
      world.newFabric({ workspaceUrl: 'https://dbc-2.cloud.databricks.com', compute: undefined })
    )
    looked.length = 0
    const input = { sessionId: 'ses_x', returnTo: null }
    expect((await faultOf(world.fabrics.startSignIn(as.member, fabric.id, input))).code).toBe(
      'host_not_allowed'
    )
    expect(looked).toEqual([])
  })
})
