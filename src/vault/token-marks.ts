import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { TenantId } from '../base/ids.ts'
import { kept } from '../base/kept.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { markOf, newOpaqueToken } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { findTokenMarkKey, insertTokenMarkKey } from '../store/token-mark-keys.ts'
import type { Place, Strongbox } from './strongbox.ts'

/** By what the record knows a token of ours again that somebody has found, without telling anything of it. */
export interface TokenMarks {
  /**
   * The same for the same token of the same tenant, and nothing to who lacks the tenant's key. Never inside a
   * transaction: it may have to open that key first.
   * @throws AppError `key_unavailable`
   */
  mark(scope: TenantScope, token: Secret): Promise<string>
}

const keysMax = 1_000

/** The key is made at a tenant's first mark and stays: it is sealed anew with each data key. */
export function createTokenMarks(deps: {
  readonly db: Db
  readonly strongbox: Pick<Strongbox, 'seal' | 'open'>
  readonly clock: Clock
}): TokenMarks {
  const { db, strongbox, clock } = deps
  const keys = new Map<TenantId, () => Promise<Secret>>()

  function keyOf(scope: TenantScope): Promise<Secret> {
    const { tenantId } = scope
    const known = keys.get(tenantId)
    if (known !== undefined) return known()
    const key = kept(() => open(scope))
    setNewest(keys, tenantId, key, keysMax)
    return key()
  }

  async function open(scope: TenantScope): Promise<Secret> {
    const place: Place = ['token_mark_keys', scope.tenantId, 'sealed']
    const sealed = (await db.inTenant(scope, findTokenMarkKey)) ?? (await make(scope, place))
    return await strongbox.open(scope, place, sealed)
  }

  async function make(scope: TenantScope, place: Place): Promise<string> {
    const fresh = await strongbox.seal(scope, place, newOpaqueToken())
    const kept = await db.inTenant(scope, (tx) => insertTokenMarkKey(tx, fresh, clock.now()))
    if (kept === null) throw new AppError('key_unavailable')
    return kept
  }

  return { mark: async (scope, token) => markOf(await keyOf(scope), token) }
}
