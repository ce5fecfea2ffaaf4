import dns from 'node:dns'
import { OAuth2Client } from 'google-auth-library'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { awsKmsKey } from '../../src/crypto/aws-kms-key.ts'
import { azureKeyVaultKey } from '../../src/crypto/azure-key-vault-key.ts'
import { azureToken } from '../../src/crypto/azure-token.ts'
import { newDataKey } from '../../src/crypto/envelope.ts'
import { gcpKmsKey } from '../../src/crypto/gcp-kms-key.ts'
import { keyRingOf } from '../../src/crypto/key-ring.ts'
import type { KeyEncryptionKey } from '../../src/crypto/key-wrap.ts'
import { vaultTransitKey } from '../../src/crypto/vault-transit-key.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { dialects, type KeyService, startKeyService } from '../support/key-services.ts'
import { startKeyVault } from '../support/key-vault.ts'
import { testCa } from '../support/tls/certificates.ts'
import { keyWrapContract } from './key-wrap-contract.ts'

type Service = keyof typeof dialects | 'azure'

/** Each service through its own client, against a service on loopback that may fail. */
interface Way {
  readonly dialect: Service
  readonly kidOf: (short: string) => string
  key(short: string, url: string): KeyEncryptionKey
}

const arnOf = (short: string) => `arn:aws:kms:eu-central-1:111122223333:key/${short}`
const nameOf = (short: string) => `projects/p/locations/eu/keyRings/r/cryptoKeys/${short}`
const context = 'ten_01/data_keys/dek_01'
const services = new Map<Service, KeyService>()
let token = 'canary-vault-token'
let outbound: ReturnType<typeof createOutbound>

const ways: Way[] = [
  {
    dialect: 'aws',
    kidOf: (short) => `aws-kms:${arnOf(short)}`,
    key: (short, endpoint) => awsKmsKey(arnOf(short), { endpoint })
  },
  {
    dialect: 'gcp',
    kidOf: (short) => `gcp-kms:${nameOf(short)}`,
    key: (short, endpoint) =>
      gcpKmsKey(nameOf(short), {
        endpoint,
        auth: async () => gcpClient()
      })
  },
  {
    dialect: 'azure',
    kidOf: (short) => `azure-key-vault:${services.get('azure')?.url}/keys/${short}`,
    key: (short, url) =>
      azureKeyVaultKey(`${url}/keys/${short}`, {
        ca: testCa,
        getToken: async () => ({ token: new Secret('canary-azure'), expiresAt: new Date(8e15) })
      })
  },
  {
    dialect: 'vault',
    kidOf: (short) => `vault-transit:${services.get('vault')?.url}/transit/keys/${short}`,
    key: (short, url) =>
      vaultTransitKey(`${url}/transit/keys/${short}`, {
        readToken: () => new Secret(token),
        call: (to, bearer, body) =>
          outbound.request({
            url: to,
            rule: { kind: 'origin', origin: url },
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            bearer,
            body
          })
      })
  }
]

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'canary-aws-id')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary-aws-secret')
  services.set('azure', await startKeyVault())
  // Key Vault's client believes a challenge only for the vault's own domain, so it needs a name that has one.
  const lookup = dns.lookup as (...given: unknown[]) => void // one of its overloads, whichever is called
  vi.spyOn(dns, 'lookup').mockImplementation((name: string, ...rest: unknown[]) =>
    lookup(name.endsWith('.zone.test') ? '127.0.0.1' : name, ...rest)
  )
  for (const name of ['aws', 'gcp', 'vault'] as const) {
    services.set(name, await startKeyService(dialects[name]))
  }
  const extraOrigins = [services.get('vault')?.url ?? '']
  outbound = createOutbound({ extraOrigins, clock: systemClock(), userAgent: 'weft-test' })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await outbound?.destroy()
  for (const service of services.values()) await service.close()
})
afterEach(() => {
  for (const service of services.values()) service.fault = null
})

const urlOf = ({ dialect }: Way) => services.get(dialect)?.url ?? ''
const ringOf = (way: Way, ...kids: string[]) =>
  keyRingOf(kids.map((kid) => way.key(kid, urlOf(way))))

for (const way of ways) {
  keyWrapContract(way.dialect, {
    make: async (kids) => ringOf(way, ...kids),
    kidOf: way.kidOf
  })
}

function gcpClient(): OAuth2Client {
  const client = new OAuth2Client()
  client.setCredentials({ access_token: 'canary-gcp', expiry_date: 8e15 })
  return client
}

async function failureOf(work: Promise<unknown>) {
  const err = await work.catch((caught: unknown) => caught)
  if (!(err instanceof AppError)) throw new TypeError(`no AppError: ${String(err)}`)
  return { code: err.code, note: err.note ?? '', cause: err.cause }
}

test('gcp: credentials that could not be had the first time are asked for again', async () => {
  let isAway = true
  const auth = async () => {
    if (isAway) throw new TypeError('no metadata server')
    return gcpClient()
  }
  const endpoint = services.get('gcp')?.url ?? ''
  const ring = keyRingOf([gcpKmsKey(nameOf('k1'), { endpoint, auth })])
  const { key } = newDataKey('dek_01')
  expect((await failureOf(ring.wrap(key, context))).code).toBe('key_unavailable')
  isAway = false
  expect((await ring.unwrap(await ring.wrap(key, context), context)).reveal()).toEqual(key.reveal())
})

describe.each(ways)('$dialect', (way) => {
  test.each(['forbidden', 'throttled', 'disabled'] as const)(
    'key_unavailable while it answers as %s, told apart from a text that does not open; then well again',
    async (fault) => {
      const ring = ringOf(way, 'k1')
      const { key } = newDataKey('dek_01')
      const wrapped = await ring.wrap(key, context)
      const service = services.get(way.dialect)
      if (service !== undefined) service.fault = fault
      for (const attempt of [() => ring.wrap(key, context), () => ring.unwrap(wrapped, context)]) {
        const { code, note, cause } = await failureOf(attempt())
        expect(code).toBe('key_unavailable')
        expect(note).toMatch(/^the key management service: [\w. -]+$/)
        expect(cause).toBeUndefined()
      }
      if (service !== undefined) service.fault = null
      expect((await ring.unwrap(wrapped, context)).reveal()).toEqual(key.reveal())
    }
  )

  test('the service sees its credentials and no key of ours in the clear but what it wraps', async () => {
    await ringOf(way, 'k1').wrap(newDataKey('dek_01').key, context)
    const last = services.get(way.dialect)?.calls.at(-1)
    expect(last?.authorization).toMatch(/^(AWS4-HMAC-SHA256|Bearer) /)
    expect(last?.authorization).not.toContain('canary-aws-secret')
  })
})

test('a service that does not answer is told within the bound', async () => {
  for (const service of services.values()) service.fault = 'silent'
  const { key } = newDataKey('dek_01')
  const failures = ways.map((way) => failureOf(ringOf(way, 'k1').wrap(key, context)))
  for (const { code, note } of await Promise.all(failures)) {
    expect([code, note]).toEqual(['key_unavailable', expect.stringContaining('service: ')])
  }
}, 20_000)

test('Vault’s token is read for each call, so that an agent may renew it', async () => {
  const [way] = ways.filter(({ dialect }) => dialect === 'vault')
  if (way === undefined) return
  const ring = ringOf(way, 'k1')
  await ring.wrap(newDataKey('dek_01').key, context)
  token = 'canary-renewed'
  await ring.wrap(newDataKey('dek_01').key, context)
  expect(services.get('vault')?.calls.at(-1)?.authorization).toBe('Bearer canary-renewed')
})

test('a ring of keys of several services opens what each of them wrapped', async () => {
  const rings = ways.map((way) => ringOf(way, 'k1'))
  const { key } = newDataKey('dek_01')
  const wrapped = await Promise.all(rings.map((ring) => ring.wrap(key, context)))
  const all = keyRingOf(ways.map((way) => way.key('k1', urlOf(way))))
  for (const text of wrapped) {
    expect((await all.unwrap(text, context)).reveal()).toEqual(key.reveal())
  }
})

test('Entra ID: the cluster’s token, read for each exchange, for one of Key Vault’s scope', async () => {
  const forms: [string, URLSearchParams][] = []
  let assertion = 'first'
  let status = 200
  const getToken = azureToken({
    tenantId: 'tenant-id',
    clientId: 'client-id',
    authorityHost: 'https://login.microsoftonline.com',
    readAssertion: () => new Secret(assertion),
    now: () => new Date('2036-01-01T00:00:00Z'),
    call: async (url, form) => {
      forms.push([url, new URLSearchParams(form)])
      const body = { access_token: 'canary', expires_in: 3_600, token_type: 'Bearer' }
      return { status, body: Buffer.from(JSON.stringify(body)) }
    }
  })
  const { token, expiresAt } = await getToken('https://vault.azure.net/.default')
  expect([token.reveal(), expiresAt.toISOString()]).toEqual(['canary', '2036-01-01T01:00:00.000Z'])
  assertion = 'second'
  await getToken('https://vault.azure.net/.default')
  expect(
    forms.map(([url, form]) => [url, form.get('client_assertion'), form.get('scope')])
  ).toEqual(
    ['first', 'second'].map((one) => [
      'https://login.microsoftonline.com/tenant-id/oauth2/v2.0/token',
      one,
      'https://vault.azure.net/.default'
    ])
  )
  status = 401
  expect(await failureOf(getToken('x'))).toMatchObject({ code: 'key_unavailable' })
})
