import type { GrantId } from '../base/ids.ts'
import { kept } from '../base/kept.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { type GrantRow, type GrantTokenRow, grantOf, grantTokenOf } from '../store/grants.ts'
import { tenantVersion } from '../store/tenant-versions.ts'
import {
  createVersionedMemory,
  type MemoryCounts,
  type Remembered
} from '../store/versioned-memory.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { accessTokenPlace, kindOf } from './refresh-projection.ts'
import { turnOf } from './renewal-turn.ts'
import type { GrantFacts, GrantState } from './token-state.ts'

/** A grant as it stood when it was read, and its access token, opened once. */
export interface HeldGrant {
  readonly facts: GrantFacts
  readonly expiresAt: Date | null
  readonly scope: string | null
  /** @throws AppError `key_unavailable` */
  openToken(): Promise<Secret>
}

export interface HeldGrants {
  /**
   * As it was read, for as long as nothing in its tenant changed; a refresh elsewhere is no such change, since
   * the token that is held stays good for as long as it lives. Null: no such grant.
   */
  get(scope: TenantScope, grantId: GrantId): Promise<HeldGrant | null>
  /** What is held is no longer so. */
  drop(scope: TenantScope, grantId: GrantId): void
  counts(): MemoryCounts
}

const heldMax = 50_000

/** Readings of grants in memory, so that a storm of callers is one query and one decryption, or none. */
export function createHeldGrants(
  deps: Pick<RefreshDeps, 'db' | 'strongbox' | 'versions'>
): HeldGrants {
  const held = createVersionedMemory<HeldGrant>(deps.versions, heldMax)

  async function read(scope: TenantScope, grantId: GrantId): Promise<Remembered<HeldGrant> | null> {
    const [[tenant], [grant], [token]] = await deps.db.ask(
      scope,
      tenantVersion(),
      grantOf(grantId),
      grantTokenOf(grantId)
    )
    if (grant === undefined || token === undefined) return null
    return {
      tenantId: scope.tenantId,
      version: tenant?.version ?? 0,
      value: hold(scope, grant, token)
    }
  }

  function hold(scope: TenantScope, grant: GrantRow, token: GrantTokenRow): HeldGrant {
    const place = accessTokenPlace(grant.id)
    // Let go of once it is opened: it is longer than all the rest.
    let sealed = token.accessTokenSealed ?? ''
    return {
      facts: factsOf(grant, token),
      expiresAt: token.accessExpiresAt,
      scope: token.scope,
      openToken: kept(async () => {
        const opened = await deps.strongbox.open(scope, place, sealed)
        sealed = ''
        return opened
      })
    }
  }

  return {
    get: (scope, grantId) => held.get(keyOf(scope, grantId), () => read(scope, grantId)),
    drop: (scope, grantId) => held.drop(keyOf(scope, grantId)),
    counts: held.counts
  }
}

export function keyOf(scope: TenantScope, grantId: GrantId): string {
  return `${scope.tenantId}/${grantId}`
}

export function factsOf(grant: GrantRow, token: GrantTokenRow): GrantFacts {
  return {
    kind: kindOf(grant),
    state: grant.state as GrantState, // the table's check constraint holds it to these
    cause: grant.cause,
    nextTryAt: grant.nextTryAt,
    generation: token.generation,
    hasRefreshToken: token.refreshTokenSealed !== null,
    accessExpiresAt: token.accessTokenSealed === null ? null : token.accessExpiresAt,
    accessIssuedAt: token.accessIssuedAt,
    turn: turnOf(grant.id)
  }
}
