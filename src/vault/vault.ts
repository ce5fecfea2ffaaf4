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
import type { TenantScope } from '../base/tenant-scope.ts'
import { inSpan, type Span } from '../base/trace.ts'
import { tokenTimeoutMs } from '../oauth/token-endpoint.ts'
import type { AccessToken, TokenOptions } from './access-token.ts'
import { type Ahead, createAhead } from './ahead.ts'
import { createAllowance, createFlights } from './flights.ts'
import { createGrantKeeping, type GrantKeeping } from './grant-keeping.ts'
import { createGrantUses } from './grant-uses.ts'
import { createHeldGrants, type HeldGrant, keyOf } from './held-grants.ts'
import { createMassRevocation, type RevokeEnded } from './mass-revocation.ts'
import { recoverTenant } from './recovery.ts'
import { refreshToItsEnd } from './refresh.ts'
import { refreshLeaseMs } from './refresh-claim.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { prepareRevocations, type RevocationsWanted, type RevokeAll } from './revocation.ts'
import { createScopedTokens, type ScopedTokens } from './scoped-tokens.ts'
import { decide, type GrantFacts } from './token-state.ts'
import { createTurns } from './turns.ts'
import { createRefreshTally, type VaultMeasures } from './vault-measures.ts'

export type { AccessToken, TokenOptions } from './access-token.ts'
export type { Ahead, Renewal } from './ahead.ts'

export interface Vault extends GrantKeeping, Ahead, Pick<ScopedTokens, 'scopedToken'> {
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
  /**
   * Finishes what owners who died left behind in this tenant: an answer that was kept is projected; where the
   * outcome is unknown, the stored token is tried once.
   * @returns how many grants were looked after
   */
  recover(scope: TenantScope): Promise<number>
  /** For a tenant that is about to lose its key, or an app connection that goes; see `prepareRevocations`. */
  prepareRevocations(
    scope: TenantScope,
    deadlineMs: number,
    wanted?: RevocationsWanted
  ): Promise<RevokeAll>
  measures(): VaultMeasures
  /** For grants that an incident ended, one after the other. */
  revokeEnded(scope: TenantScope): RevokeEnded
  /** Resolves when every refresh and revocation that runs now has ended. */
  settle(): Promise<void>
  /** Finishes what this process has begun; what it only waits for is left to those who do it. */
  close(): Promise<void>
}

const waitDefaultMs = 15_000
const clockSkewMs = 5_000
/** Token calls of this process at once: a thousand expired grants are no herd to their host. */
const refreshesPerHostMax = 16

export function createVault(given: Omit<RefreshDeps, 'tally' | 'turns'>): Vault {
  const tally = createRefreshTally()
  const deps: RefreshDeps = { ...given, tally, turns: createTurns(refreshesPerHostMax) }
  const { clock } = deps
  assert(refreshLeaseMs > 2 * tokenTimeoutMs + clockSkewMs, 'the lease outlives the provider call')
  const grants = createHeldGrants(deps)
  const flights = createFlights()
  const forced = createAllowance(clock)
  const keeping = createGrantKeeping(deps, grants)
  const closing = new AbortController()
  const uses = createGrantUses(deps)

  /** Joins the refresh of this grant that runs in this process, or starts one that runs for itself. */
  function joinRefresh(
    scope: TenantScope,
    grantId: GrantId,
    generation: number,
    parent?: Span
  ): Promise<void> {
    return flights.join(keyOf(scope, grantId), async () => {
      try {
        await inSpan(parent, 'refresh', (span) =>
          refreshToItsEnd({ ...deps, span }, scope, grantId, generation, closing.signal)
        )
      } finally {
        grants.drop(scope, grantId)
      }
    })
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
      const held = await grants.get(scope, grantId)
      if (held === null) throw new AppError('sign_in_needed')
      const { facts } = held
      const decision = decide(facts, wish, clock.now())
      if (decision.kind === 'refuse') throw decision.error
      if (decision.kind === 'use') {
        if (decision.isDueSoon) joinRefresh(scope, grantId, facts.generation, options.span)
        uses.note(scope, grantId)
        return await handOut(held, grantId, source)
      }
      const isForced = decision.isForced && !flights.isRunning(keyOf(scope, grantId))
      if (isForced && !forced.take(keyOf(scope, grantId)))
        throw tokenRefused(facts.kind, clock.now())
      if (closing.signal.aborted) throw new AppError('shutting_down')
      source = 'refreshed'
      const flight = joinRefresh(scope, grantId, facts.generation, options.span)
      const isInTime = await withDeadline(flight, deadlineMs - clock.monotonicMs())
      if (!isInTime) throw busy(clock.now())
    }
  }

  const scoped = createScopedTokens(deps, accessToken)

  async function settle(): Promise<void> {
    await Promise.all([flights.settle(), scoped.settle(), keeping.settle()])
  }

  return {
    ...keeping,
    accessToken,
    prepareRevocations: (scope, deadlineMs, wanted) =>
      prepareRevocations(deps, scope, deadlineMs, wanted),
    scopedToken: scoped.scopedToken,
    revokeEnded: (scope) => createMassRevocation(deps, scope),
    measures: () => ({
      refreshes: tally.refreshes,
      refreshing: flights.running,
      held: grants.counts()
    }),
    ...createAhead(deps, (scope, grantId, generation) => {
      if (closing.signal.aborted) throw new AppError('shutting_down')
      return joinRefresh(scope, grantId, generation)
    }),
    flushUses: () => uses.flush(),
    recover: (scope) => recoverTenant(deps, scope, joinRefresh),
    async close() {
      closing.abort()
      await settle()
    },
    settle
  }
}

async function handOut(
  held: HeldGrant,
  grantId: GrantId,
  source: AccessToken['source']
): Promise<AccessToken> {
  const { expiresAt, facts, scope } = held
  assert(expiresAt !== null, 'a usable grant has an access token')
  const { generation } = facts
  return { token: await held.openToken(), grantId, expiresAt, generation, scope, source }
}

/** Waits no longer than the caller can; the flight goes on for the others and for the store. */
async function withDeadline(flight: Promise<void>, leftMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(Math.max(leftMs, 0), false, { signal: timer.signal, ref: false })
  late.catch(() => undefined)
  try {
    return await Promise.race([flight.then(() => true), late])
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

/** The workspace refused token after token of this grant: another refresh would be as good as the last. */
function tokenRefused(kind: GrantFacts['kind'], now: Date): AppError {
  const detail = 'The workspace refuses every fresh access token'
  const retryAt = plusMs(now, 10_000)
  return new AppError(
    kind === 'service_principal' ? 'service_principal_refused' : 'sign_in_needed',
    {
      detail,
      retryAt
    }
  )
}
