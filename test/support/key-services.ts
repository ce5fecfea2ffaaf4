import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export type KeyServiceFault = 'silent' | 'forbidden' | 'throttled' | 'disabled'

/** A key management service on loopback: real AES-GCM with the context as associated data, and ways to fail. */
export interface KeyService {
  readonly url: string
  fault: KeyServiceFault | null
  /** Calls that were answered or left waiting, with what they carried for authentication. */
  readonly calls: { readonly path: string; readonly authorization: string }[]
  close(): Promise<void>
}

interface Asked {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readonly<Record<string, unknown>>
}

interface Answer {
  readonly status: number
  readonly body: object
}

/** How one service speaks. */
interface Dialect {
  read(asked: Asked): { isEncrypt: boolean; key: string; text: Buffer; context: string }
  encrypted(ciphertext: Buffer): object
  decrypted(plaintext: Buffer): object
  refusals: Readonly<Record<Exclude<KeyServiceFault, 'silent'> | 'unopened', Answer>>
}

const base64 = (value: unknown) => Buffer.from(String(value), 'base64')
const awsRefusal = (status: number, name: string) => ({
  status,
  body: { __type: name, message: 'canary of the service' }
})
const gcpRefusal = (code: number, status: string) => ({
  status: code,
  body: { error: { code, status, message: 'canary of the service' } }
})
const vaultRefusal = (status: number, error: string) => ({ status, body: { errors: [error] } })

export const dialects = {
  aws: {
    read: ({ headers, body }) => ({
      isEncrypt: String(headers['x-amz-target']).endsWith('.Encrypt'),
      key: String(body.KeyId),
      text: base64(body.Plaintext ?? body.CiphertextBlob),
      context: JSON.stringify(body.EncryptionContext)
    }),
    encrypted: (ciphertext) => ({ CiphertextBlob: ciphertext.toString('base64') }),
    decrypted: (plaintext) => ({ Plaintext: plaintext.toString('base64') }),
    refusals: {
      forbidden: awsRefusal(400, 'AccessDeniedException'),
      throttled: awsRefusal(400, 'ThrottlingException'),
      disabled: awsRefusal(400, 'DisabledException'),
      unopened: awsRefusal(400, 'InvalidCiphertextException')
    }
  },
  gcp: {
    read: ({ path, body }) => ({
      isEncrypt: path.endsWith(':encrypt'),
      key: path.replace(/:\w+$/, ''),
      text: base64(body.plaintext ?? body.ciphertext),
      context: String(body.additionalAuthenticatedData)
    }),
    encrypted: (ciphertext) => ({ ciphertext: ciphertext.toString('base64') }),
    decrypted: (plaintext) => ({ plaintext: plaintext.toString('base64') }),
    refusals: {
      forbidden: gcpRefusal(403, 'PERMISSION_DENIED'),
      throttled: gcpRefusal(429, 'RESOURCE_EXHAUSTED'),
      disabled: gcpRefusal(400, 'FAILED_PRECONDITION'),
      unopened: gcpRefusal(400, 'INVALID_ARGUMENT')
    }
  },
  vault: {
    read: ({ path, body }) => ({
      isEncrypt: path.includes('/encrypt/'),
      key: path.replace(/\/(en|de)crypt\//, '/'),
      text: 'plaintext' in body ? base64(body.plaintext) : base64(String(body.ciphertext).slice(9)),
      context: String(body.associated_data)
    }),
    encrypted: (ciphertext) => ({
      data: { ciphertext: `vault:v1:${ciphertext.toString('base64')}` }
    }),
    decrypted: (plaintext) => ({ data: { plaintext: plaintext.toString('base64') } }),
    refusals: {
      forbidden: vaultRefusal(403, 'permission denied'),
      throttled: vaultRefusal(429, 'request path "transit" rate limit quota exceeded'),
      disabled: vaultRefusal(400, 'encryption key not found'),
      unopened: vaultRefusal(400, 'cipher: message authentication failed')
    }
  }
} as const satisfies Record<string, Dialect>

export async function startKeyService(dialect: Dialect): Promise<KeyService> {
  const calls: KeyService['calls'] = []
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Asked['body'] // whatever the client sent
    const { url: path = '', headers } = request
    calls.push({ path, authorization: String(headers.authorization) })
    if (service.fault === 'silent') return
    const { status, body: answer } =
      service.fault === null
        ? answerOf(dialect, { path, headers, body })
        : dialect.refusals[service.fault]
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const service: KeyService = {
    url: `http://127.0.0.1:${port}`,
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

function answerOf(dialect: Dialect, asked: Asked): Answer {
  const { isEncrypt, key, text, context } = dialect.read(asked)
  const bytes = createHash('sha256').update(key).digest()
  if (isEncrypt) {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', bytes, iv).setAAD(Buffer.from(context))
    const ciphertext = Buffer.concat([cipher.update(text), cipher.final()])
    return {
      status: 200,
      body: dialect.encrypted(Buffer.concat([iv, cipher.getAuthTag(), ciphertext]))
    }
  }
  try {
    const decipher = createDecipheriv('aes-256-gcm', bytes, text.subarray(0, 12), {
      authTagLength: 16
    })
      .setAAD(Buffer.from(context))
      .setAuthTag(text.subarray(12, 28))
    const plaintext = Buffer.concat([decipher.update(text.subarray(28)), decipher.final()])
    return { status: 200, body: dialect.decrypted(plaintext) }
  } catch {
    return dialect.refusals.unopened
  }
}
