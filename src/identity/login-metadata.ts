import { allowInsecureRequests, customFetch, discovery, type ServerMetadata } from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { entraAuthorityOf, entraIssuer } from '../base/issuer.ts'
import type { GuardedFetch, HostRule, Outbound } from '../outbound/outbound.ts'
import { discoveryFault, unusableMetadata } from './login-faults.ts'

const metadataLifeMs = 10 * 60_000
const keysLifeMs = 10 * 60_000
/** Between two fetches of signing keys that an unknown key or a bad signature asks for. */
const keysCooldownMs = 60_000
/** How long a failure is remembered, so that a provider that is down is not asked by every login. */
const failureLifeMs = 5_000
const knownMax = 1_000

/** Identity providers may stand anywhere in public; the operator's own stand where the operator says. */
export const loginHosts: HostRule = { kind: 'public' }

/** A login provider's metadata, checked, and its signing keys. */
export interface KnownProvider {
  readonly metadata: ServerMetadata
  /** The body of its JWKS document (RFC 7517 §5). */
  keys(): Promise<string>
  /** Makes the next `keys()` fetch anew. @returns false while it cools down */
  renewKeys(): boolean
}

interface Asked {
  readonly id: string
  readonly kind: 'entra' | 'oidc'
  readonly issuer: string
}

export interface LoginMetadata {
  /** @throws AppError `host_not_allowed`, `discovery_failed`, `upstream_unavailable` */
  of(provider: Asked): Promise<KnownProvider>
  /** The same, whatever is remembered. */
  anew(provider: Asked): Promise<KnownProvider>
}

export function createLoginMetadata(
  outbound: Pick<Outbound, 'fetchFor' | 'checkUrl'>,
  clock: Clock
): LoginMetadata {
  const guardedFetch = outbound.fetchFor(loginHosts)
  const known = new Map<string, Remembered<KnownProvider>>()

  async function discover({ kind, issuer }: Asked): Promise<KnownProvider> {
    const execute = isPlainHttp(outbound.checkUrl(issuer, loginHosts))
      ? [allowInsecureRequests]
      : []
    const options = { execute, [customFetch]: guardedFetch }
    const named = namedIssuer(kind, issuer)
    // By its full address, so that the issuer is for us to compare: Entra's can be a template.
    const url = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const config = await discovery(url, 'discovery', {}, undefined, options).catch(
      (err: unknown) => {
        throw discoveryFault(err)
      }
    )
    const metadata = config.serverMetadata()
    checkMetadata(metadata, named, outbound)
    const keys = remember(clock, keysLifeMs, () => fetchKeys(guardedFetch, metadata.jwks_uri ?? ''))
    let renewedAtMs = Number.NEGATIVE_INFINITY
    return {
      metadata,
      keys: () => keys.get(),
      renewKeys() {
        if (clock.monotonicMs() - renewedAtMs < keysCooldownMs) return false
        renewedAtMs = clock.monotonicMs()
        keys.forget()
        return true
      }
    }
  }

  function entryOf(asked: Asked): Remembered<KnownProvider> {
    const key = JSON.stringify([asked.id, asked.kind, asked.issuer])
    const entry = known.get(key) ?? remember(clock, metadataLifeMs, () => discover(asked))
    if (known.size >= knownMax) known.clear()
    known.set(key, entry)
    return entry
  }

  return {
    of: (asked) => entryOf(asked).get(),
    anew(asked) {
      const entry = entryOf(asked)
      entry.forget()
      return entry.get()
    }
  }
}

const loopback = /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** @throws AppError `host_not_allowed`: http: beyond loopback */
export function isPlainHttp({ protocol, hostname }: URL): boolean {
  if (protocol !== 'http:') return false
  if (loopback.test(hostname)) return true
  throw new AppError('host_not_allowed', { note: 'an http: issuer beyond loopback' })
}

/** What the metadata must say: the issuer itself, or at Entra's `common` and `organizations` a template. */
function namedIssuer(kind: 'entra' | 'oidc', issuer: string): string {
  const authority = kind === 'entra' ? entraAuthorityOf(issuer) : null
  const isShared = authority !== null && authority.tenantId === null
  return isShared ? entraIssuer(authority, '{tenantid}') : issuer
}

/** OpenID Connect Discovery §4.3: the issuer is the one that was asked, letter by letter. */
function checkMetadata(
  metadata: ServerMetadata,
  issuer: string,
  outbound: Pick<Outbound, 'checkUrl'>
): void {
  if (metadata.issuer !== issuer) throw unusableMetadata('another issuer')
  const { authorization_endpoint, token_endpoint, jwks_uri } = metadata
  const { userinfo_endpoint, end_session_endpoint } = metadata
  for (const needed of [authorization_endpoint, token_endpoint, jwks_uri]) {
    if (needed === undefined) throw unusableMetadata('an endpoint is missing')
  }
  const endpoints = [authorization_endpoint, token_endpoint, jwks_uri]
  for (const url of [...endpoints, userinfo_endpoint, end_session_endpoint]) {
    if (url !== undefined) outbound.checkUrl(url, loginHosts)
  }
}

async function fetchKeys(guardedFetch: GuardedFetch, url: string): Promise<string> {
  const headers = { accept: 'application/json, application/jwk-set+json' }
  const response = await guardedFetch(url, { method: 'GET', headers, redirect: 'manual' })
  if (response.status !== 200) throw new AppError('upstream_unavailable', { note: 'no keys' })
  return await response.text()
}

interface Remembered<T> {
  get(): Promise<T>
  forget(): void
}

/** One load at a time; its answer is kept for `lifeMs`, its failure for a few seconds. */
function remember<T>(clock: Clock, lifeMs: number, load: () => Promise<T>): Remembered<T> {
  let kept: { readonly value: Promise<T>; goodUntilMs: number } | null = null
  return {
    get() {
      if (kept !== null && clock.monotonicMs() < kept.goodUntilMs) return kept.value
      const fresh = { value: load(), goodUntilMs: clock.monotonicMs() + lifeMs }
      kept = fresh
      fresh.value.catch(() => {
        fresh.goodUntilMs = clock.monotonicMs() + failureLifeMs
      })
      return fresh.value
    },
    forget() {
      kept = null
    }
  }
}
