/**
 * Owns: grants, their tokens and their refresh; the only room that turns ciphertext into tokens.
 * Touches: store, audit, crypto through the strongbox, the provider through oauth/.
 * Never: hands out a refresh token; spends one twice; lets a caller who leaves stop a refresh.
 */
import assert from 'node:assert'
import { setTimeout as delay } from 'node:timers/promises'
import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { GrantId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { tokenTimeoutMs } from '../oauth/token-endpoint.ts'
import { findGrant, findGrantToken, type GrantRow, type GrantTokenRow } from '../store/grants.ts'
import { createGrantKeeping, type GrantKeeping } from './grant-keeping.ts'
import { refreshGrant } from './refresh.ts'
import { refreshLeaseMs } from './refresh-claim.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { accessTokenPlace, kindOf } from './refresh-projection.ts'
import { decide, type GrantFacts, type GrantState } from './token-state.ts'

/** A short-lived access token and where it comes from. */
export interface AccessToken {
  readonly token: Secret
  readonly expiresAt: Date
  readonly generation: number
  /** As granted (RFC 6749 §3.3); null where the provider did not tell. */
  readonly scope: string | null
  readonly source: 'cached' | 'refreshed'
}

export interface TokenOptions {
  /** The workspace refused the token of this generation: hand out a newer one. */
  readonly rejectedGeneration?: number
  /** How long the caller waits for somebody's refresh, milliseconds, default 15,000. */
  readonly waitMs?: number
}

export interface Vault extends GrantKeeping {
  /**
   * An access token alive for at least `minLifeMs`; at most one refresh per grant runs at a time, on any
   * replica, and it runs to its end whoever waits for it.
   * @param minLifeMs least remaining life that the caller accepts, milliseconds; never under 60 s is handed out
   * @throws AppError `sign_in_needed`: the provider refused the refresh token for good (RFC 6749 §5.2);
   *   `service_principal_refused`, `app_connection_refused`, `scope_missing`: as the provider said;
   *   `upstream_unavailable` and outbound's codes, with `retryAt`: the provider is away;
   *   `overloaded`: the refresh outlasts `waitMs`; `key_unavailable`
   */
  accessToken(
    scope: TenantScope,
    grantId: GrantId,
    minLifeMs: number,
    options?: TokenOptions
  ): Promise<AccessToken>
}

const waitDefaultMs = 15_000
const pollMs = 100
const clockSkewMs = 5_000

export function createVault(deps: RefreshDeps): Vault {
  const { db, strongbox, clock } = deps
  assert(refreshLeaseMs > 2 * tokenTimeoutMs + clockSkewMs, 'the lease outlives the provider call')
  const flights = new Map<string, Promise<'moved' | 'busy'>>()

  /** Joins the refresh of this grant that runs in this process, or starts one that runs for itself. */
  function joinRefresh(scope: TenantScope, grantId: GrantId, generation: number) {
    const flightId = `${scope.tenantId}/${grantId}`
    const running = flights.get(flightId)
    if (running !== undefined) return running
    const flight = refreshGrant(deps, scope, grantId, generation).finally(() =>
      flights.delete(flightId)
    )
    flights.set(flightId, flight)
    return flight
  }

  async function accessToken(
    scope: TenantScope,
    grantId: GrantId,
    minLifeMs: number,
    options: TokenOptions = {}
  ): Promise<AccessToken> {
    const deadlineMs = clock.monotonicMs() + (options.waitMs ?? waitDefaultMs)
    const wish = { minLifeMs, rejectedGeneration: options.rejectedGeneration ?? null }
    let source: AccessToken['source'] = 'cached'
    for (;;) {
      const held = await load(scope, grantId)
      const decision = decide(held.facts, wish, clock.now())
      if (decision.kind === 'refuse') throw decision.error
      if (decision.kind === 'use') return { ...(await open(scope, grantId, held)), source }
      source = 'refreshed'
      const leftMs = deadlineMs - clock.monotonicMs()
      const flight = joinRefresh(scope, grantId, held.facts.generation)
      const end = await withDeadline(flight, leftMs)
      if (end === 'busy') await delay(pollMs)
      if (end === 'late' || clock.monotonicMs() > deadlineMs) throw busy(clock.now())
    }
  }

  async function load(scope: TenantScope, grantId: GrantId) {
    return await db.inTenant(scope, async (tx) => {
      const grant = await findGrant(tx, grantId)
      const token = await findGrantToken(tx, grantId)
      if (grant === null || token === null) throw new AppError('sign_in_needed')
      return { token, facts: factsOf(grant, token) }
    })
  }

  async function open(
    scope: TenantScope,
    grantId: GrantId,
    { token }: Awaited<ReturnType<typeof load>>
  ): Promise<Omit<AccessToken, 'source'>> {
    const {
      accessTokenSealed: sealed,
      accessExpiresAt: expiresAt,
      generation,
      scope: granted
    } = token
    assert(sealed !== null && expiresAt !== null, 'a usable grant has an access token')
    const opened = await strongbox.open(scope, accessTokenPlace(grantId), sealed)
    return { token: opened, expiresAt, generation, scope: granted }
  }

  return { accessToken, ...createGrantKeeping(deps) }
}

type End = 'moved' | 'busy' | 'late'

/** Waits no longer than the caller can; the flight goes on for the others and for the store. */
async function withDeadline(flight: Promise<'moved' | 'busy'>, leftMs: number): Promise<End> {
  const timer = new AbortController()
  const late = delay(Math.max(leftMs, 0), 'late' as const, { signal: timer.signal, ref: false })
  flight.catch(() => undefined)
  late.catch(() => undefined)
  try {
    return await Promise.race([flight, late])
  } finally {
    timer.abort()
  }
}

function busy(now: Date): AppError {
  return new AppError('overloaded', {
    detail: 'The token is being renewed; try again',
    retryAt: plusMs(now, 1_000)
  })
}

function factsOf(grant: GrantRow, token: GrantTokenRow): GrantFacts {
  return {
    kind: kindOf(grant),
    state: grant.state as GrantState, // the table's check constraint holds it to these
    cause: grant.cause,
    nextTryAt: grant.nextTryAt,
    generation: token.generation,
    hasRefreshToken: token.refreshTokenSealed !== null,
    accessExpiresAt: token.accessTokenSealed === null ? null : token.accessExpiresAt
  }
}
