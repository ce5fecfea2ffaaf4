import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Clock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  type AuthorizationServers,
  createAuthorizationServers
} from '../../src/oauth/authorization-server.ts'
import type { OAuthClient, TokenEndpoint } from '../../src/oauth/token-endpoint.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { databricks } from '../../src/providers/databricks/databricks.ts'

export const provider = databricks

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Place {
  readonly origin: string
  readonly seen: Seen[]
  /** What is said at a path; 404 where nothing is. */
  readonly replies: Map<string, Reply>
  readonly outbound: Outbound
  readonly servers: AuthorizationServers
  readonly clock: Clock & { advance(ms: number): void }
  exchange: { readonly outbound: Outbound; readonly clock: Clock }
  endpoint(client?: Partial<OAuthClient>): TokenEndpoint
  /** The metadata as an honest workspace has it, with changes. */
  tell(changes?: Record<string, unknown>): void
  /** The host is gone; whoever asks it still can. */
  leave(): Promise<void>
  close(): Promise<void>
}

export const tokenPath = '/oidc/v1/token'
export const metadataPath = '/oidc/.well-known/oauth-authorization-server'
export const clientSecret = 'canary-client-secret'

/** A workspace's authorization server that says, byte for byte, what a test wants. */
export async function openPlace(): Promise<Place> {
  const seen: Seen[] = []
  const replies = new Map<string, Reply>()
  const server = createServer(async (req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? ''
    const { method = '', headers } = req
    seen.push({ method, path, headers, body: await text(req) })
    const { status = 200, headers: more = {}, body = '' } = replies.get(path) ?? { status: 404 }
    res.writeHead(status, { 'content-type': 'application/json', ...more }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let offsetMs = 0
  const clock = {
    now: () => new Date(Date.now() + offsetMs),
    monotonicMs: () => performance.now() + offsetMs,
    advance(ms: number) {
      offsetMs += ms
    }
  }
  const outbound = createOutbound({ extraOrigins: [origin], clock, userAgent: 'weft-test' })
  const leave = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  return {
    origin,
    seen,
    replies,
    outbound,
    clock,
    servers: createAuthorizationServers(outbound, clock),
    exchange: { outbound, clock },
    endpoint: (client = {}) => ({
      provider,
      workspaceOrigin: origin,
      server: {
        issuer: `${origin}/oidc`,
        authorizationEndpoint: `${origin}/oidc/v1/authorize`,
        tokenEndpoint: origin + tokenPath,
        revocationEndpoint: `${origin}/oidc/v1/revoke`,
        jwksUri: `${origin}/oidc/jwks.json`,
        isIssuerPromised: false
      },
      client: {
        clientId: 'client-1',
        clientSecret: new Secret(clientSecret),
        authMethod: 'client_secret_post',
        ...client
      }
    }),
    tell(changes = {}) {
      const honest = {
        issuer: `${origin}/oidc`,
        authorization_endpoint: `${origin}/oidc/v1/authorize`,
        token_endpoint: origin + tokenPath,
        jwks_uri: `${origin}/oidc/jwks.json`
      }
      replies.set(metadataPath, { body: JSON.stringify({ ...honest, ...changes }) })
    },
    leave,
    async close() {
      await outbound.destroy()
      await leave()
    }
  }
}

/** The AppError that the work ends in; anything else is a fault of its own. */
export async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const end: unknown = await work.then(
    () => new TypeError('it did not fail'),
    (error: unknown) => error
  )
  if (end instanceof AppError) return end
  throw end
}
