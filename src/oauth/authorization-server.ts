/**
 * Owns: OAuth on the wire – metadata, authorization code, refresh, client credentials, what answers mean.
 * Touches: outbound's guarded fetch and openid-client; the only room that parses a token answer.
 * Never: stores anything; sends a secret anywhere but the token endpoint on the workspace's own origin.
 */
import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { parseJsonObject } from '../base/json-object.ts'
import { kept } from '../base/kept.ts'
import type { HostRule, Outbound } from '../outbound/outbound.ts'
import type { Provider } from '../providers/provider.ts'

/** RFC 8414 metadata, only what is used, its endpoints pinned. */
export interface AuthorizationServer {
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** Where the metadata names none: where the provider is known to have one. */
  readonly revocationEndpoint: string
  readonly jwksUri: string | null
  /** It promises `iss` in every authorization response (RFC 9207 §3): one without it is refused. */
  readonly isIssuerPromised: boolean
}

export interface AuthorizationServers {
  /**
   * The workspace's authorization server, remembered for ten minutes. Whatever the metadata says, the token
   * and authorization endpoints are on the workspace's own origin, or it is refused.
   * @param workspaceOrigin `https://host`
   * @param isFresh asks, whatever is remembered
   * @throws AppError `oauth_not_enabled` (no metadata, or a web page), `discovery_failed` (not usable), and
   *   outbound's `dns_failed`, `tls_failed`, `workspace_unreachable`, `upstream_timeout`, `host_not_allowed`
   * @see https://www.rfc-editor.org/rfc/rfc8414
   */
  discover(
    provider: Provider,
    workspaceOrigin: string,
    isFresh?: boolean
  ): Promise<AuthorizationServer>
}

const rememberMs = 10 * 60_000
const rememberMax = 10_000

export function createAuthorizationServers(outbound: Outbound, clock: Clock): AuthorizationServers {
  const known = new Map<string, { untilMs: number; server: () => Promise<AuthorizationServer> }>()

  return {
    discover(provider, workspaceOrigin, isFresh = false) {
      const cached = isFresh ? undefined : known.get(workspaceOrigin)
      if (cached !== undefined && cached.untilMs > clock.monotonicMs()) return cached.server()
      const server = kept(() => fetchMetadata(outbound, provider, workspaceOrigin))
      const untilMs = clock.monotonicMs() + rememberMs
      setNewest(known, workspaceOrigin, { untilMs, server }, rememberMax)
      return server()
    }
  }
}

async function fetchMetadata(
  outbound: Outbound,
  provider: Provider,
  origin: string
): Promise<AuthorizationServer> {
  const get = async (path: string) => {
    const rule: HostRule = { kind: 'origin', origin }
    const headers = { accept: 'application/json' }
    return await outbound.request({ url: origin + path, rule, method: 'GET', headers })
  }
  const config = await get(provider.oauth.hostConfigPath)
  const hostConfig = config.status === 200 ? config.body.toString('utf8') : null
  for (const path of provider.oauth.metadataPaths(origin, hostConfig)) {
    const { status, body } = await get(path)
    if (status >= 500 || status === 429) {
      throw new AppError('discovery_failed', {
        detail: 'The workspace could not tell its OAuth metadata'
      })
    }
    const metadata = status === 200 ? parseJsonObject(body.toString('utf8')) : null
    if (metadata === null) continue
    return pin(
      outbound,
      provider,
      { origin, root: path.replace(/\/\.well-known\/.*$/, '') },
      metadata
    )
  }
  throw new AppError('oauth_not_enabled', {
    detail: 'The host has no OAuth metadata; is it a workspace with OAuth enabled?'
  })
}

function pin(
  outbound: Outbound,
  provider: Provider,
  { origin, root }: { origin: string; root: string },
  metadata: Record<string, unknown>
): AuthorizationServer {
  const { issuer, authorization_endpoint, token_endpoint, revocation_endpoint, jwks_uri } = metadata
  if (issuer !== origin + root) throw unusable('issuer is not where the metadata was found')
  return {
    issuer,
    authorizationEndpoint: onOrigin(origin, 'authorization_endpoint', authorization_endpoint),
    tokenEndpoint: onOrigin(origin, 'token_endpoint', token_endpoint),
    revocationEndpoint: onOrigin(
      origin,
      'revocation_endpoint',
      revocation_endpoint ?? origin + provider.oauth.revocationPath
    ),
    jwksUri: typeof jwks_uri === 'string' ? inZones(outbound, provider, jwks_uri) : null,
    isIssuerPromised: metadata.authorization_response_iss_parameter_supported === true
  }
}

function unusable(fault: string): AppError {
  return new AppError('discovery_failed', { detail: `The OAuth metadata's ${fault}` })
}

/** In its final form, so that what is compared with it later is compared with what is sent. */
function onOrigin(origin: string, member: string, value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null
  const isPinned =
    url?.origin === origin && url.username + url.password + url.search + url.hash === ''
  if (isPinned) return url.href
  throw unusable(`${member} is not on the workspace's own host`)
}

function inZones(outbound: Outbound, provider: Provider, jwksUri: string): string {
  try {
    return outbound.checkUrl(jwksUri, { kind: 'zones', zones: provider.jwksZones }).href
  } catch {
    throw unusable("jwks_uri is not within the provider's zones")
  }
}
