import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { ConfigError, describeFaults } from '../../src/config/config-error.ts'
import { parseHeaders } from '../../src/config/headers.ts'

type Env = Record<string, string | undefined>

/** As good as random, and the same in every run. */
function bytes(length: number, seed: string): Buffer {
  return createHash('sha512').update(seed).digest().subarray(0, length)
}

const goodKey = bytes(32, 'good').toString('base64')
const otherKey = bytes(32, 'other').toString('base64')
const good: Env = {
  WEFT_PUBLIC_URL: 'https://weft.acme.test',
  WEFT_DATABASE_URL: 'postgresql://weft_app:app-password@db.acme.test/weft',
  WEFT_KEY_RING: `k1:${goodKey}`
}
const login: Env = {
  WEFT_LOGIN_ISSUER: 'https://login.acme.test',
  WEFT_LOGIN_CLIENT_ID: 'weft',
  WEFT_LOGIN_CLIENT_SECRET: 'canary-client-secret'
}

/** Every variable of Weft's own that parseConfig looks at. */
function variablesRead(): string[] {
  const asked = new Set<string>()
  const spy = new Proxy(good, {
    get: (env, name) => {
      asked.add(String(name))
      return env[String(name)]
    }
  })
  parseConfig(spy, noFile)
  return [...asked].filter((name) => name.startsWith('WEFT_')).sort()
}

function noFile(): string {
  throw new Error('no file is read')
}

function faultsOf(env: Env, readFile: (path: string) => string = noFile): ConfigError['faults'] {
  try {
    parseConfig({ ...good, ...env }, readFile)
  } catch (err) {
    if (err instanceof ConfigError) return err.faults
    throw err
  }
  return []
}

function blamed(env: Env): string[] {
  return [...new Set(faultsOf(env).map(({ variable }) => variable))]
}

describe('a sound environment', () => {
  test('the least of it gives the documented defaults', () => {
    const config = parseConfig(good, noFile)
    expect(config).toMatchObject({
      publicUrl: 'https://weft.acme.test',
      otherPublicUrls: [],
      port: 8080,
      adminPort: 9090,
      adminHost: '127.0.0.1',
      tracing: null,
      appRole: 'weft_app',
      ownerDatabaseUrl: null,
      bootstrap: { adminEmail: null, tenantSlug: 'main', login: null },
      fabricDomain: null,
      extraWorkspaceOrigins: [],
      extraIssuerOrigins: [],
      extraWebhookOrigins: [],
      otlpLogsUrl: null,
      otlpLogsHeadersFile: null,
      trustedProxies: [],
      logLevel: 'info'
    })
    expect(config.databaseUrl.reveal()).toBe(good.WEFT_DATABASE_URL)
    expect(config.keyRing.map(({ kid }) => kid)).toEqual(['k1'])
    expect(Buffer.from(config.keyRing[0]?.key.reveal() ?? []).toString('base64')).toBe(goodKey)
  })

  test('every variable arrives where it belongs', () => {
    const config = parseConfig(
      {
        ...good,
        ...login,
        WEFT_PUBLIC_URL: 'https://WEFT.acme.test:443/some/prefix/',
        WEFT_PORT: '0',
        WEFT_ADMIN_PORT: '0',
        WEFT_OWNER_DATABASE_URL: 'postgres://own%40er:x@localhost:5432/weft?sslmode=require',
        WEFT_KEY_RING: `k2:${otherKey},k1:${goodKey}`,
        WEFT_BOOTSTRAP_ADMIN: 'admin@acme.test',
        WEFT_BOOTSTRAP_TENANT: 'acme-2',
        WEFT_LOGIN_EMAIL_DOMAINS: 'Acme.test, acme.example',
        WEFT_FABRIC_DOMAIN: 'fabrics.acme.test',
        WEFT_EXTRA_WORKSPACE_ORIGINS: 'http://127.0.0.1:8081,https://ws.acme.test',
        WEFT_EXTRA_ISSUER_ORIGINS: 'https://login.acme.test:8443',
        WEFT_EXTRA_WEBHOOK_ORIGINS: 'http://hooks.acme.test:8080',
        WEFT_OTLP_LOGS_URL: 'http://collector.acme.test:4318/v1/logs',
        WEFT_OTLP_LOGS_HEADERS_FILE: '/run/otlp-headers',
        WEFT_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,192.0.2.7/32',
        WEFT_OTHER_PUBLIC_URLS: 'https://weft.inside.test, https://weft.inside.test:8443/x/',
        WEFT_LOG_LEVEL: 'trace',
        WEFT_KMS: '',
        HTTPS_PROXY: 'http://proxy.acme.test:3128',
        NODE_TLS_REJECT_UNAUTHORIZED: '1',
        NODE_OPTIONS: '--max-old-space-size=512'
      },
      noFile
    )
    expect(config).toMatchObject({
      publicUrl: 'https://weft.acme.test/some/prefix',
      otherPublicUrls: ['https://weft.inside.test', 'https://weft.inside.test:8443/x'],
      port: 0,
      adminPort: 0,
      bootstrap: {
        adminEmail: 'admin@acme.test',
        tenantSlug: 'acme-2',
        login: {
          issuer: 'https://login.acme.test',
          clientId: 'weft',
          emailDomains: ['acme.test', 'acme.example']
        }
      },
      fabricDomain: 'fabrics.acme.test',
      extraWorkspaceOrigins: ['http://127.0.0.1:8081', 'https://ws.acme.test'],
      extraIssuerOrigins: ['https://login.acme.test:8443'],
      extraWebhookOrigins: ['http://hooks.acme.test:8080'],
      otlpLogsUrl: 'http://collector.acme.test:4318/v1/logs',
      otlpLogsHeadersFile: '/run/otlp-headers',
      trustedProxies: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7/32'],
      logLevel: 'trace'
    })
    expect(config.keyRing.map(({ kid }) => kid)).toEqual(['k2', 'k1'])
    expect(config.ownerDatabaseUrl?.reveal()).toContain('own%40er')
    expect(config.bootstrap.login?.clientSecret.reveal()).toBe('canary-client-secret')
  })

  test('the key ring comes from a file too, by comma or line', () => {
    const paths: string[] = []
    const read = (path: string) => {
      paths.push(path)
      return `k2:${otherKey}\r\nk1:${goodKey}\n`
    }
    const env = { ...good, WEFT_KEY_RING: undefined, WEFT_KEY_RING_FILE: '/run/secrets/ring' }
    expect(parseConfig(env, read).keyRing.map(({ kid }) => kid)).toEqual(['k2', 'k1'])
    expect(paths).toEqual(['/run/secrets/ring'])
  })

  test('a printed config holds no secret', () => {
    const config = parseConfig({ ...good, ...login }, noFile)
    for (const text of [inspect(config, { depth: 9, showHidden: true }), JSON.stringify(config)]) {
      expect(text).not.toMatch(/app-password|canary-client-secret/)
      expect(text).not.toContain(goodKey)
    }
  })

  test.each([
    'http://localhost:8080',
    'http://weft.localhost',
    'http://127.9.9.9:1',
    'http://[::1]:8080/'
  ])('plain http is accepted on loopback: %s', (url) => {
    expect(faultsOf({ WEFT_PUBLIC_URL: url })).toEqual([])
    expect(faultsOf({ ...login, WEFT_LOGIN_ISSUER: url })).toEqual([])
  })
})

const twoHundred = 'x'.repeat(200)
const refused: Record<string, readonly (string | undefined)[]> = {
  WEFT_PUBLIC_URL: [
    undefined,
    '',
    'weft.acme.test',
    ' https://weft.acme.test',
    'ftp://weft.acme.test',
    'http://weft.acme.test',
    'http://localhost.acme.test',
    'http://127.0.0.1.acme.test',
    'http://10.0.0.1',
    'http://[::2]',
    'https://weft.acme.test/?',
    'https://weft.acme.test/?a=b',
    'https://weft.acme.test/#',
    'https://user@weft.acme.test',
    'https://user:canary@weft.acme.test',
    'https://weft.acme.test/a//b',
    'https://weft.acme.test/%2e%2e%2f',
    'https://weft.acme.test/api',
    'https://weft.acme.test/fabrics/weft/'
  ],
  WEFT_OTHER_PUBLIC_URLS: [
    'weft.inside.test',
    'http://weft.inside.test',
    'https://weft.inside.test,',
    'https://weft.inside.test,https://weft.inside.test/x',
    'https://weft.acme.test/inside',
    'https://weft.inside.test/auth'
  ],
  WEFT_PORT: ['-1', '65536', '80a', '0x50', '1e3', '8080.0', ' 80', 'tcp://10.0.0.1:80'],
  WEFT_ADMIN_PORT: ['8080', 'no', '99999'],
  WEFT_DATABASE_URL: [
    undefined,
    'db.acme.test',
    'mysql://weft_app@db.acme.test/weft',
    'postgresql://db.acme.test/weft',
    'postgresql://weft_app@db.acme.test',
    'postgresql://weft_app@db.acme.test/',
    'postgresql://weft_app@db.acme.test/a/b',
    'postgresql://weft%ff@db.acme.test/weft',
    'postgresql://weft_app@db.acme.test/weft?user=postgres'
  ],
  WEFT_OWNER_DATABASE_URL: ['nonsense', 'postgresql://weft%5Fapp:x@elsewhere/weft'],
  WEFT_KMS: [
    'aws:arn:canary',
    'aws-kms:arn:aws:kms:eu-central-1:111122223333:alias/canary',
    'gcp-kms:projects/p/cryptoKeys/canary',
    'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/a,aws-kms:arn:aws:kms:eu-central-1:111122223333:key/a'
  ],
  WEFT_KEY_RING: [
    undefined,
    '',
    goodKey,
    `:${goodKey}`,
    `a b:${goodKey}`,
    `${'k'.repeat(33)}:${goodKey}`,
    `k1:${goodKey},`,
    `k1:${goodKey.slice(0, -1)}`,
    `k1:${goodKey} x`,
    `k1:${bytes(32, 'x').toString('hex')}`,
    `k1:${bytes(31, 'x').toString('base64')}`,
    `k1:${bytes(33, 'x').toString('base64')}`,
    'k1:',
    `k1:${Buffer.alloc(32).toString('base64')}`,
    `k1:${Buffer.alloc(32, 0xa7).toString('base64')}`,
    `k1:${Buffer.alloc(32, 'ab').toString('base64')}`,
    `k1:${Buffer.alloc(32, bytes(8, 'x')).toString('base64')}`,
    `k1:${Buffer.from(Array.from({ length: 32 }, (_, i) => 128 + i)).toString('base64')}`,
    `k1:${Buffer.from('correct horse battery staple 123').toString('base64')}`,
    `k1:${goodKey},k1:${otherKey}`,
    `k1:${goodKey},k2:${goodKey}`
  ],
  WEFT_BOOTSTRAP_ADMIN: [
    'admin',
    'admin@',
    '@acme.test',
    'a@b@acme.test',
    'admin＠acme.test',
    'admin@acme.test.',
    'ädmin@acme.test',
    'Admin <admin@acme.test>',
    'a b@acme.test',
    'admin@-acme.test',
    `${twoHundred}@acme.test`
  ],
  WEFT_ADMIN_HOST: ['localhost', '10.1', '0', '0x7f000001', '10.0.0.1:9090', '[::1]', 'a'],
  WEFT_BOOTSTRAP_TENANT: ['Acme', '1acme', '-a', 'a--b', 'a-', 'a_b', 'a'.repeat(41), 'ä'],
  WEFT_FABRIC_DOMAIN: ['https://fabrics.acme.test', '*.acme.test', 'a..b', 'acme.test:443', '-a'],
  WEFT_EXTRA_WORKSPACE_ORIGINS: [
    'ws.acme.test',
    'https://ws.acme.test/',
    'https://ws.acme.test/path',
    'https://user@ws.acme.test',
    'https://WS.acme.test',
    'https://ws.acme.test:443',
    'https://*.acme.test/',
    'ftp://ws.acme.test',
    'null',
    'http://2130706433',
    'https://a.test,,https://b.test'
  ],
  WEFT_TRUSTED_PROXIES: [
    'true',
    '1',
    '10.0.0.1',
    'loopback',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '010.0.0.0/8',
    '0x0a.0.0.0/8',
    '10.0/8',
    '10.0.0.0/255.0.0.0',
    '0.0.0.0/0',
    '0.0.0.0/1,128.0.0.0/1',
    '::/0',
    '::/8',
    '::ffff:0:0/96',
    '::ffff:10.0.0.0/104',
    '10.0.0.0/8,'
  ],
  WEFT_LOG_LEVEL: ['verbose', 'INFO', 'silent', 'toString']
}

describe('J5 C8 refusals', () => {
  const cases = Object.entries(refused).flatMap(([variable, values]) =>
    values.map((value) => ({ variable, value }))
  )
  test.each(cases)('$variable is refused as $value', ({ variable, value }) => {
    expect(blamed({ [variable]: value })).toEqual([variable])
  })

  test('the samples of other rings do not help: both a ring and a ring file are refused', () => {
    expect(blamed({ WEFT_KEY_RING_FILE: '/x' })).toContain('WEFT_KEY_RING')
  })

  test('keys of services stand before a ring, or alone; Vault needs a token', () => {
    const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd'
    const gcp = 'projects/p/locations/eu/keyRings/r/cryptoKeys/k'
    const kms = `aws-kms:${arn},gcp-kms:${gcp}`
    const alone = { ...good, WEFT_KEY_RING: undefined, WEFT_KMS: kms }
    expect(parseConfig(alone, noFile)).toMatchObject({
      keyRing: [],
      kms: [
        { service: 'aws-kms', name: arn },
        { service: 'gcp-kms', name: gcp }
      ]
    })
    expect(parseConfig({ ...good, WEFT_KMS: kms }, noFile).keyRing).toHaveLength(1)
    const azure = { WEFT_KMS: 'azure-key-vault:https://weft.vault.azure.net/keys/weft' }
    expect(blamed(azure)).toEqual(['WEFT_KMS'])
    const AZURE_FEDERATED_TOKEN_FILE = '/var/run/secrets/azure/tokens/azure-identity-token'
    const identity = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_FEDERATED_TOKEN_FILE }
    expect(blamed({ ...azure, ...identity })).toEqual([])
    const vault = 'vault-transit:https://vault.acme.test/transit/keys/weft'
    expect(blamed({ WEFT_KMS: vault })).toEqual(['WEFT_VAULT_TOKEN_FILE'])
    expect(blamed({ WEFT_KMS: vault, WEFT_VAULT_TOKEN_FILE: '/run/secrets/token' })).toEqual([])
    expect(blamed({ WEFT_KMS: 'vault-transit:http://vault.acme.test/transit/keys/weft' })).toEqual([
      'WEFT_KMS'
    ])
  })

  test('a ring file that cannot be read or holds nothing is refused, its path untold', () => {
    const env = { WEFT_KEY_RING: undefined, WEFT_KEY_RING_FILE: '/canary/path' }
    for (const read of [noFile, () => '', () => 'k1:short']) {
      const faults = faultsOf(env, read)
      expect(faults.map(({ variable }) => variable)).toContain('WEFT_KEY_RING_FILE')
      expect(JSON.stringify(faults)).not.toContain('canary')
    }
  })

  test.each(['WEFT_LOGIN_ISSUER', 'WEFT_LOGIN_CLIENT_ID', 'WEFT_LOGIN_CLIENT_SECRET'])(
    'login variables go together: %s alone missing is refused',
    (name) => {
      expect(blamed({ ...login, [name]: undefined })).toEqual([name])
    }
  )

  test('email domains without a login provider are refused', () => {
    expect(blamed({ WEFT_LOGIN_EMAIL_DOMAINS: 'acme.test' })).toHaveLength(3)
  })

  test.each([
    'http://login.acme.test',
    'https://login.acme.test?x',
    'https://login.acme.test/#x',
    'https://u:p@login.acme.test',
    'login.acme.test'
  ])('the issuer %s is refused', (issuer) => {
    expect(blamed({ ...login, WEFT_LOGIN_ISSUER: issuer })).toEqual(['WEFT_LOGIN_ISSUER'])
  })

  test('the public issuer https://accounts.google.com is refused without email domains', () => {
    const env = { ...login, WEFT_LOGIN_ISSUER: 'https://accounts.google.com' }
    expect(blamed(env)).toEqual(['WEFT_LOGIN_EMAIL_DOMAINS'])
    expect(blamed({ ...env, WEFT_LOGIN_EMAIL_DOMAINS: 'acme.test' })).toEqual([])
  })

  test.each([
    'https://login.microsoftonline.com/common/v2.0',
    'https://login.microsoftonline.com/organizations/v2.0',
    'https://login.microsoftonline.com/organizations',
    'https://login.microsoftonline.com/Consumers/v2.0',
    'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
    'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555',
    'https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0',
    'https://login.microsoftonline.us/common/v2.0'
  ])('A9 %s names no single Entra tenant and is refused at boot', (issuer) => {
    const env = { ...login, WEFT_LOGIN_ISSUER: issuer, WEFT_LOGIN_EMAIL_DOMAINS: 'acme.test' }
    expect(blamed(env)).toEqual(['WEFT_LOGIN_ISSUER'])
  })

  test('one Entra tenant is no public issuer', () => {
    const issuer = 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0'
    expect(blamed({ ...login, WEFT_LOGIN_ISSUER: issuer })).toEqual([])
  })

  test.each([
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['NODE_OPTIONS', '--inspect'],
    ['NODE_OPTIONS', '--enable-source-maps --inspect-brk=0.0.0.0:9229']
  ])('%s=%s is refused', (name, value) => {
    expect(blamed({ [name]: value })).toEqual([name])
  })

  test.each([
    ['WEFT_PUBLIC_URI', 'WEFT_PUBLIC_URL'],
    ['WEFT_KEYRING', 'WEFT_KEY_RING'],
    ['WEFT_TRUST_PROXY', 'WEFT_TRUSTED_PROXIES'],
    ['WEFT_LOG_LEVLE', 'WEFT_LOG_LEVEL'],
    ['WEFT_ADMINPORT', 'WEFT_ADMIN_PORT'],
    ['WEFT_LOGIN_SECRET', 'WEFT_LOGIN_CLIENT_SECRET']
  ])('the unknown %s is refused, and %s suggested', (name, nearest) => {
    expect(faultsOf({ [name]: '' })).toEqual([
      { variable: name, message: `is not known; did you mean ${nearest}?` }
    ])
  })

  test.each([
    ['WEFT_SERVICE_HOST', '10.0.0.1'],
    ['WEFT_SERVICE_PORT_HTTP', '80'],
    ['WEFT_PORT_8080_TCP_ADDR', '10.0.0.1'],
    ['WEFT_PORT', 'tcp://10.0.0.1:8080']
  ])('a Kubernetes service link is called one: %s', (name, value) => {
    expect(faultsOf({ [name]: value })[0]?.message).toContain('enableServiceLinks')
  })
})

describe('how faults are told', () => {
  const all: Env = Object.fromEntries(variablesRead().map((name) => [name, ' canary '.repeat(3)]))

  test('every fault is told at once', () => {
    const quiet = ['WEFT_KEY_RING_FILE', 'WEFT_LOGIN_CLIENT_ID', 'WEFT_LOGIN_CLIENT_SECRET']
    expect(blamed(all)).toEqual(
      expect.arrayContaining(variablesRead().filter((name) => !quiet.includes(name)))
    )
    expect(blamed({ ...all, NODE_OPTIONS: '--inspect', WEFT_X: '' })).toEqual(
      expect.arrayContaining(['NODE_OPTIONS', 'WEFT_X', ...quiet])
    )
    const two = faultsOf({ WEFT_TRUSTED_PROXIES: 'true,10.0.0.0/8,1' })
    expect(two.map(({ message }) => message.slice(0, 7))).toEqual(['entry 1', 'entry 3'])
  })

  test('C8 no message holds a value', () => {
    const values = Object.entries(refused).flatMap(([variable, texts]) =>
      texts.map((text) => [variable, text] as const)
    )
    for (const [variable, text = ''] of values) {
      const told = JSON.stringify(faultsOf({ [variable]: text })).replaceAll(variable, '')
      if (text.length > 8) expect(told).not.toContain(text)
      expect(told).not.toContain(goodKey.slice(0, 8))
    }
    expect(inspect(faultsOf(all))).not.toContain('canary')
  })

  test('the printed form has a line for each fault', () => {
    const error = new ConfigError([
      { variable: 'WEFT_A', message: 'is required' },
      { variable: 'WEFT_B', message: 'is not a port' }
    ])
    expect(describeFaults(error)).toBe(
      'Weft does not start: the configuration has 2 faults.\n' +
        '  WEFT_A: is required\n  WEFT_B: is not a port'
    )
  })
})

describe('.env.example', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
  const entries = [...text.matchAll(/^#?(WEFT_[A-Z_]+)=(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value]
  )

  test('documents exactly the variables that are read', () => {
    expect(entries.map(([name]) => name).sort()).toEqual(variablesRead())
  })

  test('J5 C8 its sample key is refused, and nothing else of it', () => {
    const live = text.matchAll(/^(WEFT_[A-Z_]+)=(.*)$/gm)
    const env = Object.fromEntries([...live].map(([, name, value]) => [name, value]))
    const faults = (() => {
      try {
        parseConfig(env, noFile)
      } catch (err) {
        if (err instanceof ConfigError) return err.faults
      }
      return []
    })()
    expect(faults).toEqual([
      { variable: 'WEFT_KEY_RING', message: expect.stringContaining('has a sample') }
    ])
  })

  test('its commented examples are sound values', () => {
    const unused = ['WEFT_KEY_RING', 'WEFT_KEY_RING_FILE']
    const env = Object.fromEntries(entries.filter(([name = '']) => !unused.includes(name)))
    expect(faultsOf(env)).toEqual([])
  })
})

describe('where the record goes', () => {
  const faultsOf = (more: Record<string, string>) => {
    try {
      parseConfig({ ...good, ...more }, noFile)
      return []
    } catch (error) {
      return error instanceof ConfigError ? error.faults.map(({ variable }) => variable) : [error]
    }
  }

  test.each([
    'collector:4318',
    'ftp://collector/',
    'https://u:p@collector/',
    'https://collector/#x'
  ])('not to %s', (url) => {
    expect(faultsOf({ WEFT_OTLP_LOGS_URL: url })).toEqual(['WEFT_OTLP_LOGS_URL'])
  })

  test('headers go nowhere alone', () => {
    const file = { WEFT_OTLP_LOGS_HEADERS_FILE: '/run/headers' }
    expect(faultsOf(file)).toEqual(['WEFT_OTLP_LOGS_HEADERS_FILE'])
  })

  test('the file of headers is a line for each, and no value stands in what is wrong with it', () => {
    expect(parseHeaders('Authorization: Bearer a b\n\nX-Scope: acme\r\n')).toEqual({
      authorization: 'Bearer a b',
      'x-scope': 'acme'
    })
    expect(() => parseHeaders('x: 1\ncanary-value')).toThrow(ConfigError)
    expect(() => parseHeaders('x: canary\u0007value')).not.toThrow(/canary/)
  })
})
