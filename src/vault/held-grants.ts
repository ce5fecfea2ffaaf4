import type { Clock } from '../base/clock.ts'
import type { GrantId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { findGrant, findGrantToken, type GrantRow, type GrantTokenRow } from '../store/grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { accessTokenPlace, kindOf } from './refresh-projection.ts'
import type { GrantFacts, GrantState } from './token-state.ts'

/** A grant as it stood when it was read, and its access token, opened at most once. */
export interface HeldGrant {
  readonly facts: GrantFacts
  readonly expiresAt: Date | null
  readonly scope: string | null
  /** @throws AppError `key_unavailable` */
  openToken(): Promise<Secret>
}

export interface HeldGrants {
  /** As read at most a second ago; callers at the same moment share one reading. Null: no such grant. */
  get(scope: TenantScope, grantId: GrantId): Promise<HeldGrant | null>
  /** What is held is no longer so. */
  drop(scope: TenantScope, grantId: GrantId): void
}

/** How stale a reading may be, milliseconds: what another replica did is seen after this. */
export const heldMs = 1_000
const heldMax = 50_000

/** Readings of grants in memory, so that a storm of callers is one query and one decryption. */
export function createHeldGrants(
  deps: Pick<RefreshDeps, 'db' | 'strongbox'>,
  clock: Clock
): HeldGrants {
  const held = new Map<string, { untilMs: number; reading: Promise<HeldGrant | null> }>()

  async function read(scope: TenantScope, grantId: GrantId): Promise<HeldGrant | null> {
    const found = await deps.db.inTenant(scope, async (tx) => {
      const grant = await findGrant(tx, grantId)
      const token = grant === null ? null : await findGrantToken(tx, grantId)
      return grant === null || token === null ? null : { grant, token }
    })
    return found === null ? null : hold(scope, found.grant, found.token)
  }

  function hold(scope: TenantScope, grant: GrantRow, token: GrantTokenRow): HeldGrant {
    const sealed = token.accessTokenSealed ?? ''
    let opening: Promise<Secret> | null = null
    return {
      facts: factsOf(grant, token),
      expiresAt: token.accessExpiresAt,
      scope: token.scope,
      openToken() {
        opening ??= deps.strongbox.open(scope, accessTokenPlace(grant.id), sealed)
        return opening
      }
    }
  }

  return {
    get(scope, grantId) {
      const key = keyOf(scope, grantId)
      const known = held.get(key)
      if (known !== undefined && known.untilMs > clock.monotonicMs()) return known.reading
      const reading = read(scope, grantId)
      reading.catch(() => held.delete(key))
      if (held.size >= heldMax) held.clear()
      held.set(key, { untilMs: clock.monotonicMs() + heldMs, reading })
      return reading
    },
    drop(scope, grantId) {
      held.delete(keyOf(scope, grantId))
    }
  }
}

export function keyOf(scope: TenantScope, grantId: GrantId): string {
  return `${scope.tenantId}/${grantId}`
}

function factsOf(grant: GrantRow, token: GrantTokenRow): GrantFacts {
  return {
    kind: kindOf(grant),
    state: grant.state as GrantState, // the table's check constraint holds it to these
    cause: grant.cause,
    nextTryAt: grant.nextTryAt,
    generation: token.generation,
    hasRefreshToken: token.refreshTokenSealed !== null,
    accessExpiresAt: token.accessTokenSealed === null ? null : token.accessExpiresAt,
    accessIssuedAt: token.accessIssuedAt
  }
}
