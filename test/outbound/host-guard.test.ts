import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { createHostGuard, type HostRule } from '../../src/outbound/host-guard.ts'
import { databricks } from '../../src/providers/databricks/databricks.ts'

const extra = ['http://127.0.0.1:8081', 'https://private.link.test:8443']
const guard = createHostGuard(extra)
const zones: HostRule = { kind: 'zones', zones: databricks.zones }
const publicHosts: HostRule = { kind: 'public' }
const pinned: HostRule = { kind: 'origin', origin: 'https://dbc-1.cloud.databricks.com' }

function codeOf(url: string | URL, rule: HostRule): string {
  try {
    guard.checkUrl(url, rule)
    return 'passed'
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    return err.code
  }
}

describe('E1 host allow-list', () => {
  it.each([
    'https://dbc-1.cloud.databricks.com',
    'https://DBC-1.Cloud.Databricks.COM/some/path?o=1',
    'https://dbc-1.cloud.databricks.com:443/',
    'https://adb-1234.5.azuredatabricks.net',
    'https://acme.databricks.com',
    'https://1234.5.gcp.databricks.com'
  ])('lets a workspace through: %s', (url) => {
    expect(codeOf(url, zones)).toBe('passed')
  })

  it.each([
    'http://dbc-1.cloud.databricks.com',
    'ftp://dbc-1.cloud.databricks.com',
    'https://dbc-1.cloud.databricks.com:8443',
    'https://dbc-1.cloud.databricks.com.',
    'https://user@dbc-1.cloud.databricks.com',
    'https://user:pw@dbc-1.cloud.databricks.com',
    'https://@dbc-1.cloud.databricks.com',
    'https://evil.test\\@dbc-1.cloud.databricks.com',
    'https:\\\\dbc-1.cloud.databricks.com',
    'https:dbc-1.cloud.databricks.com',
    'https:/dbc-1.cloud.databricks.com',
    'https:///dbc-1.cloud.databricks.com',
    'https://dbc-1.cloud\t.databricks.com',
    ' https://dbc-1.cloud.databricks.com',
    'https://dbc-1.cloud.databricks.com\n',
    'https://dbc-1%2ecloud.databricks.com',
    'https://dbc-1\u3002cloud.databricks.com',
    'https://evilcloud.databricks.com.evil.test',
    'https://evil-databricks.com',
    'https://xdatabricks.com',
    'https://databricks.com',
    'https://cloud.databricks.com.evil.test/',
    'https://evil.test#.cloud.databricks.com',
    'https://evil.test/.cloud.databricks.com',
    'https://evil.test?.cloud.databricks.com',
    'https://app-1.aws.databricksapps.com',
    'https://\u24d3bc.cloud.databricks.com',
    '',
    'https://',
    'dbc-1.cloud.databricks.com'
  ])('refuses %j', (url) => {
    expect(codeOf(url, zones)).toBe('host_not_allowed')
  })

  it('no zone of the provider serves what users upload', () => {
    for (const zone of databricks.zones) expect(zone).not.toContain('databricksapps')
  })

  it('a zone too wide to be one is a fault of ours, not a rule', () => {
    expect(() => guard.checkUrl('https://a.com', { kind: 'zones', zones: ['.com'] })).toThrow()
    expect(() => guard.checkUrl('https://a.com', { kind: 'zones', zones: ['b.com'] })).toThrow()
  })
})

describe('E2 IP literals are refused in every spelling', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0',
    '169.254.169.254',
    '169.254.169.254.',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[fd00:ec2::254]',
    '\uff11\uff12\uff17.0.0.1',
    '\u2460\u2461\u2466.0.0.1',
    '%31%32%37.0.0.1',
    '8.8.8.8'
  ])('%s', (host) => {
    for (const rule of [zones, publicHosts])
      expect(codeOf(`https://${host}/`, rule)).toBe('host_not_allowed')
    const url = URL.parse(`https://${host}/`)
    if (url !== null) {
      expect(codeOf(url, publicHosts)).toBe('host_not_allowed')
      expect(codeOf(url, { kind: 'origin', origin: url.origin })).toBe('host_not_allowed')
    }
  })
})

describe('rules', () => {
  it('a pinned origin is the only one that passes', () => {
    expect(codeOf('https://dbc-1.cloud.databricks.com/api', pinned)).toBe('passed')
    expect(codeOf('https://dbc-2.cloud.databricks.com/api', pinned)).toBe('host_not_allowed')
    expect(codeOf('http://127.0.0.1:8081/', pinned)).toBe('host_not_allowed')
  })

  it('what the operator named passes exactly, and nothing beside it', () => {
    expect(codeOf('http://127.0.0.1:8081/x', zones)).toBe('passed')
    expect(codeOf('https://private.link.test:8443', publicHosts)).toBe('passed')
    expect(
      codeOf('http://127.0.0.1:8081', { kind: 'origin', origin: 'http://127.0.0.1:8081' })
    ).toBe('passed')
    expect(codeOf('http://127.0.0.1:8082/x', zones)).toBe('host_not_allowed')
    expect(codeOf('https://127.0.0.1:8081/x', zones)).toBe('host_not_allowed')
    expect(codeOf('http://localhost:8081/x', zones)).toBe('host_not_allowed')
    expect(codeOf('https://private.link.test', zones)).toBe('host_not_allowed')
  })

  it('public takes other ports, but neither http nor names of one label', () => {
    expect(codeOf('https://login.acme.test:9443/x', publicHosts)).toBe('passed')
    expect(codeOf('http://login.acme.test/x', publicHosts)).toBe('host_not_allowed')
    expect(codeOf('https://localhost/x', publicHosts)).toBe('host_not_allowed')
  })

  it('an extra origin with a path, userinfo or other scheme is not accepted at all', () => {
    for (const origin of ['http://a.test/x', 'http://u@a.test', 'file:///etc', 'http://a.test?x']) {
      expect(() => createHostGuard([origin])).toThrow()
    }
  })
})

it('E1 whatever the text, what passes the zones is an https origin inside them', () => {
  const piece = fc.constantFrom(
    'https://',
    'http://',
    'evil.test',
    '.cloud.databricks.com',
    '@',
    ':',
    '443',
    '8443',
    '/',
    '\\',
    '?',
    '#',
    '.',
    '%2e',
    '[::1]',
    '127.0.0.1',
    '\t',
    'dbc-1',
    '\u3002',
    '.azuredatabricks.net'
  )
  const text = fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((all) => all.join('')),
    fc.webUrl(),
    fc.string()
  )
  fc.assert(
    fc.property(text, (url) => {
      if (codeOf(url, zones) !== 'passed') return
      const parsed = new URL(url)
      if (extra.includes(parsed.origin)) return
      expect(parsed.protocol).toBe('https:')
      expect(parsed.port).toBe('')
      expect(parsed.username + parsed.password).toBe('')
      expect(databricks.zones.some((zone) => parsed.hostname.endsWith(zone))).toBe(true)
      // Another parser must come to the same host: the text holds it right after the scheme.
      expect(url.slice('https://'.length).toLowerCase().startsWith(parsed.hostname)).toBe(true)
    }),
    { numRuns: 3_000 }
  )
})
