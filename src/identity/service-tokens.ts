import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import { makeTenantScope } from '../base/tenant-scope.ts'
import { bearerChecksumHolds, disclose, hashToken, newBearer } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import {
  findServiceKeyByHash,
  type ServiceKeyRow,
  touchServiceKeys
} from '../store/service-keys.ts'
import { insertServiceToken } from '../store/service-tokens.ts'
import { findTenant } from '../store/tenants.ts'
import { authorityOf } from './roles.ts'
import { isKeyGood } from './service-keys.ts'
import { createTokenThrottle } from './token-throttle.ts'

/** What a service account presents for a token (RFC 6749 §4.4). */
export interface TokenRequest {
  readonly serviceAccountId: string
  readonly serviceKey: string
  /** Slug of the tenant that is asked; null: whichever is the account's. */
  readonly tenantSlug: string | null
  /** The address that the request comes from. */
  readonly source: string
  readonly requestId: string
}

export interface IssuedToken {
  /** In clear, this one time. */
  readonly accessToken: string
  readonly expiresInSeconds: number
}

export interface ServiceTokens {
  /**
   * @throws AppError `unauthenticated`: not an account and a key of its own that both hold at this moment;
   *   `rate_limited`
   */
  issue(request: TokenRequest): Promise<IssuedToken>
}

const lifeMs = 3_600_000

/** Tokens end with their time, with their key's time, and at once with their key or account. */
export function createServiceTokens(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
}): ServiceTokens {
  const { db, audit, clock } = deps
  const throttle = createTokenThrottle(clock)

  async function findKey(request: TokenRequest): Promise<ServiceKeyRow | null> {
    const { serviceAccountId, serviceKey } = request
    if (!serviceKey.startsWith('wfts_') || !bearerChecksumHolds(serviceKey)) return null
    const row = await findServiceKeyByHash(db, hashToken(serviceKey))
    const isRight = row?.serviceAccountId === serviceAccountId && isKeyGood(row, clock.now())
    return isRight ? row : null
  }

  /** @returns null: the tenant is suspended, or not the one that is asked */
  async function issueFor(key: ServiceKeyRow, request: TokenRequest): Promise<IssuedToken | null> {
    const now = clock.now()
    const leftMs = key.expiresAt === null ? lifeMs : key.expiresAt.getTime() - now.getTime()
    const expiresInSeconds = Math.floor(Math.min(lifeMs, leftMs) / 1000)
    const { bearer, hash } = newBearer('wftt_')
    const id = asId('serviceAccount', key.serviceAccountId)
    const authority = authorityOf({ kind: 'service_account' })
    const actor = { kind: 'service_account', id } as const
    const tenantId = asId('tenant', key.tenantId)
    const scope = makeTenantScope(tenantId, actor, authority, request.requestId)
    const expiresAt = plusMs(now, expiresInSeconds * 1000)
    return await db.inTenant(scope, async (tx) => {
      const tenant = await findTenant(tx)
      const isAsked = request.tenantSlug === null || request.tenantSlug === tenant?.slug
      if (tenant?.status !== 'active' || !isAsked) return null
      throttle.noteSuccess(key.serviceAccountId, key.hash)
      await insertServiceToken(tx, { hash, keyId: key.id, createdAt: now, expiresAt })
      await touchServiceKeys(tx, [key.id], now, now)
      await audit.append(tx, {
        action: 'service_token.issue',
        object: ['service_account', id],
        details: { keyId: key.id, expiresInSeconds }
      })
      return { accessToken: disclose(bearer), expiresInSeconds }
    })
  }

  return {
    async issue(request) {
      throttle.admit(request.source, hashToken(request.serviceKey))
      const key = await findKey(request)
      const issued = key === null ? null : await issueFor(key, request)
      if (issued !== null) return issued
      throttle.noteFailure(request.source)
      throw new AppError('unauthenticated')
    }
  }
}
