import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type KeyId, newId, type ServiceAccountId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { disclose, newBearer } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { findServiceAccount } from '../store/service-accounts.ts'
import {
  insertServiceKey,
  listServiceKeys,
  revokeServiceKey,
  type ServiceKeyRow
} from '../store/service-keys.ts'
import type { TokenMarks } from '../vault/token-marks.ts'
import { requireAuthority } from './roles.ts'

export interface KeyView {
  readonly id: KeyId
  readonly name: string
  readonly hint: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  /** The address that it was last used from. */
  readonly lastUsedFrom: string | null
}

export interface ServiceKeys {
  listKeys(scope: TenantScope, id: ServiceAccountId): Promise<readonly KeyView[]>
  /** @returns the key in clear, this one time */
  createKey(
    scope: TenantScope,
    id: ServiceAccountId,
    input: { name: string; expiresAt?: Date | undefined }
  ): Promise<KeyView & { readonly key: string }>
  /** It is refused from the next request on. @throws AppError `not_found`: no such key, or revoked already */
  revokeKey(scope: TenantScope, id: ServiceAccountId, keyId: KeyId): Promise<void>
}

export function createServiceKeys(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly tokenMarks: TokenMarks
}): ServiceKeys {
  const { db, audit, clock, tokenMarks } = deps
  return {
    async listKeys(scope, id) {
      requireAuthority(scope, 'service_key.list')
      return await db.inTenant(scope, async (tx) => {
        if ((await findServiceAccount(tx, id)) === null) throw new AppError('not_found')
        return (await listServiceKeys(tx, id)).map(viewOf)
      })
    },
    async createKey(scope, id, { name, expiresAt }) {
      requireAuthority(scope, 'service_key.create')
      const now = clock.now()
      if (expiresAt !== undefined && expiresAt <= now) {
        throw invalidRequest('/expiresAt', 'must be in the future')
      }
      const { bearer, hash, hint } = newBearer('wfts_')
      const row = {
        id: newId('key', clock),
        serviceAccountId: id,
        name,
        hash,
        hint,
        createdAt: now,
        expiresAt: expiresAt ?? null
      }
      const tokenMark = await tokenMarks.mark(scope, bearer)
      return await db.inTenant(scope, async (tx) => {
        const view = viewOf(await insertServiceKey(tx, row))
        await audit.append(tx, {
          action: 'service_key.create',
          object: ['key', row.id],
          details: {
            serviceAccountId: id,
            name,
            expiresAt: expiresAt?.toISOString() ?? null,
            tokenMark
          }
        })
        return { ...view, key: disclose(bearer) }
      })
    },
    async revokeKey(scope, id, keyId) {
      requireAuthority(scope, 'service_key.revoke')
      await db.inTenant(scope, async (tx) => {
        const isRevoked = await revokeServiceKey(tx, id, keyId, clock.now())
        if (!isRevoked) throw new AppError('not_found')
        await audit.append(tx, {
          action: 'service_key.revoke',
          object: ['key', keyId],
          details: { serviceAccountId: id }
        })
      })
    }
  }
}

/** Whether a key is to be believed at `now`. */
export function isKeyGood(
  { revokedAt, expiresAt }: Pick<ServiceKeyRow, 'revokedAt' | 'expiresAt'>,
  now: Date
): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now)
}

function viewOf(row: ServiceKeyRow): KeyView {
  const { name, hint, createdAt, expiresAt, lastUsedAt, lastUsedFrom } = row
  return { id: asId('key', row.id), name, hint, createdAt, expiresAt, lastUsedAt, lastUsedFrom }
}
