import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt
} from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { KeyService } from './key-services.ts'
import { certificate } from './tls/certificates.ts'

interface Answer {
  readonly status: number
  readonly body: object
}

const refusal = (status: number, code: string): Answer => ({
  status,
  body: { error: { code, message: 'canary of the vault' } }
})
const refusals = {
  forbidden: refusal(403, 'Forbidden'),
  throttled: refusal(429, 'Throttled'),
  disabled: refusal(403, 'KeyDisabled')
}
const version = '0123456789abcdef0123456789abcdef'
const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
const pathOf = /^\/keys\/([^/?]+)\/?([0-9a-f]{32})?\/?(wrapkey|unwrapkey)?\?/

/**
 * An Azure Key Vault on loopback, with TLS, real RSA keys and the challenge by which a client learns whose token it needs.
 * Its name, under `zone.test`, is to be resolved to 127.0.0.1.
 */
export async function startKeyVault(): Promise<KeyService> {
  const keys = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>()
  const calls: KeyService['calls'] = []

  function keyOf(name: string) {
    const known = keys.get(name) ?? generateKeyPairSync('rsa', { modulusLength: 2048 })
    keys.set(name, known)
    return known
  }

  function answerTo(path: string, body: string): Answer {
    const [, name = '', asked = version, verb] = pathOf.exec(path) ?? []
    if (asked !== version) return refusal(404, 'KeyNotFound')
    const { publicKey, privateKey } = keyOf(name)
    const kid = `${service.url}/keys/${name}/${version}`
    if (verb === undefined) {
      const { n, e } = publicKey.export({ format: 'jwk' })
      const key = { kid, kty: 'RSA', n, e, key_ops: ['wrapKey', 'unwrapKey'] }
      return { status: 200, body: { key, attributes: { enabled: true } } }
    }
    const value = Buffer.from(String(JSON.parse(body).value), 'base64url')
    try {
      const result =
        verb === 'wrapkey'
          ? publicEncrypt({ key: publicKey, ...padding }, value)
          : privateDecrypt({ key: privateKey, ...padding }, value)
      return { status: 200, body: { kid, value: result.toString('base64url') } }
    } catch {
      return refusal(400, 'BadParameter')
    }
  }

  const server = createServer(certificate('valid'), async (request, response) => {
    const body = await text(request)
    const { url: path = '', headers } = request
    calls.push({ path, authorization: String(headers.authorization) })
    if (service.fault === 'silent') return
    if (headers.authorization === undefined) {
      const challenge = `Bearer authorization="https://login.test/t", resource="https://zone.test"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
      return
    }
    const answer = service.fault === null ? answerTo(path, body) : refusals[service.fault]
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const service: KeyService = {
    url: `https://weft.zone.test:${port}`,
    fault: null,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
  return service
}
