import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { publicUrlOf } from '../../src/http/public-url.ts'
import type { SigningKeys } from '../../src/vault/signing-keys.ts'

export interface TestIssuer {
  readonly url: string
  /** What it answers with; 200 unless told otherwise. */
  status: number
  close(): Promise<void>
}

/** Weft as whoever checks its JWTs finds it: discovery and keys, and nothing else. */
export async function startIssuer(signingKeys: () => SigningKeys): Promise<TestIssuer> {
  const server = createServer(async (req, res) => {
    const isKeys = req.url === '/oauth2/jwks'
    const at = publicUrlOf(issuer.url)
    const metadata = { issuer: issuer.url, jwks_uri: at.at('/oauth2/jwks') }
    const body = isKeys ? await signingKeys().published() : metadata
    res.writeHead(issuer.status, { 'content-type': 'application/json' })
    res.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const issuer = {
    url: `http://localhost:${port}`,
    status: 200,
    close: () => new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return issuer
}
