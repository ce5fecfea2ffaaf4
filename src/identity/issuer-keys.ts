import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { isJsonObject, parseJsonObject } from '../base/json-object.ts'
import type { HostRule, Outbound } from '../outbound/outbound.ts'
import type { Assertion } from './assertion.ts'
import { assertionAlgorithms } from './assertion-checks.ts'
import { isPlainHttp } from './login-metadata.ts'

/** Where an issuer's keys are: given, at an address, or where its discovery document says. */
export interface KeySource {
  readonly issuer: string
  readonly jwksUri: string | null
  readonly jwks: JSONWebKeySet | null
}

export interface IssuerKeys {
  /**
   * Whether one of the issuer's keys signed it. A key that is not known, or a signature that does not hold, asks
   * the issuer again, at most once in a while however many come.
   * @throws AppError `host_not_allowed`, `discovery_failed`, `upstream_unavailable` and other faults of the way
   *   there: no keys are known, or none that are fresh enough
   */
  hasSigned(source: KeySource, assertion: Assertion): Promise<boolean>
}

/** Issuers may stand anywhere in public; the operator's own stand where the operator says. */
export const issuerHosts: HostRule = { kind: 'public' }

const keysLifeMs = 10 * 60_000
/** For how long keys are believed while their issuer does not answer. */
const staleMaxMs = 60 * 60_000
const retryAfterMs = 10_000
/** Between two fetches that an unknown key or a bad signature asks for. */
const renewalCooldownMs = 60_000
const knownMax = 1_000
const keysMax = 100
const maxBytes = 512 * 1024

interface Known {
  keys: JSONWebKeySet | null
  fetchedMs: number
  triedMs: number
  renewedMs: number
  failure: unknown
  loading: Promise<void> | null
}

export function createIssuerKeys({
  outbound,
  clock
}: {
  readonly outbound: Pick<Outbound, 'request' | 'checkUrl'>
  readonly clock: Clock
}): IssuerKeys {
  const known = new Map<string, Known>()

  function knownOf({ issuer, jwksUri }: KeySource): Known {
    const name = JSON.stringify([issuer, jwksUri])
    const never = Number.NEGATIVE_INFINITY
    const entry = known.get(name) ?? {
      keys: null,
      fetchedMs: never,
      triedMs: never,
      renewedMs: never,
      failure: null,
      loading: null
    }
    setNewest(known, name, entry, knownMax)
    return entry
  }

  /** One at a time; callers at the same moment share it. What it ends in stands in the entry. */
  function load(entry: Known, source: KeySource): Promise<void> {
    entry.triedMs = clock.monotonicMs()
    entry.loading ??= fetchKeys(source)
      .then(
        (keys) => Object.assign(entry, { keys, fetchedMs: clock.monotonicMs(), failure: null }),
        (failure: unknown) => Object.assign(entry, { failure })
      )
      .then(() => {
        entry.loading = null
      })
    return entry.loading
  }

  async function current(entry: Known, source: KeySource): Promise<JSONWebKeySet> {
    const ageMs = () => clock.monotonicMs() - entry.fetchedMs
    const isRetryDue = clock.monotonicMs() - entry.triedMs >= retryAfterMs
    if (entry.loading !== null || (ageMs() >= keysLifeMs && isRetryDue)) await load(entry, source)
    if (entry.keys !== null && ageMs() < staleMaxMs) return entry.keys
    throw entry.failure
  }

  async function renewed(entry: Known, source: KeySource): Promise<JSONWebKeySet | null> {
    if (entry.loading === null) {
      if (clock.monotonicMs() - entry.renewedMs < renewalCooldownMs) return null
      entry.renewedMs = clock.monotonicMs()
    }
    await load(entry, source)
    return entry.keys
  }

  async function fetchKeys({ issuer, jwksUri }: KeySource): Promise<JSONWebKeySet> {
    const url = jwksUri ?? (await discover(issuer))
    const { keys } = await fetchJson(url)
    if (!Array.isArray(keys) || keys.length > keysMax) throw unusable('not a JWK set')
    return { keys: keys.filter((key) => isJsonObject(key) && key.kty !== 'oct') }
  }

  /** OpenID Connect Discovery §4: the issuer is the one that was asked, letter by letter. */
  async function discover(issuer: string): Promise<string> {
    const path = '/.well-known/openid-configuration'
    const metadata = await fetchJson(issuer.replace(/\/$/, '') + path)
    if (metadata.issuer !== issuer) throw unusable('another issuer')
    if (typeof metadata.jwks_uri !== 'string') throw unusable('no jwks_uri')
    return metadata.jwks_uri
  }

  async function fetchJson(url: string): Promise<Record<string, unknown>> {
    isPlainHttp(outbound.checkUrl(url, issuerHosts))
    const headers = { accept: 'application/json, application/jwk-set+json' }
    const request = { url, rule: issuerHosts, method: 'GET', headers, maxBytes }
    const { status, body } = await outbound.request(request)
    if (status !== 200) throw new AppError('upstream_unavailable', { note: `status ${status}` })
    const answer = parseJsonObject(body.toString('utf8'))
    if (answer === null) throw unusable('not JSON')
    return answer
  }

  return {
    async hasSigned(source, assertion) {
      if (source.jwks !== null) return await isSignedBy(source.jwks, assertion)
      const entry = knownOf(source)
      if (await isSignedBy(await current(entry, source), assertion)) return true
      const fresh = await renewed(entry, source)
      return fresh !== null && (await isSignedBy(fresh, assertion))
    }
  }
}

function unusable(note: string): AppError {
  return new AppError('discovery_failed', { detail: "The issuer's metadata is not usable", note })
}

/** By exactly one key that fits: where none is named and two would do, none does. */
async function isSignedBy(keys: JSONWebKeySet, { token }: Assertion): Promise<boolean> {
  try {
    await compactVerify(token, createLocalJWKSet(keys), { algorithms: assertionAlgorithms })
    return true
  } catch {
    return false
  }
}
