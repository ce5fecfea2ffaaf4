import type { Audit } from '../../audit/audit.ts'
import type { Clock } from '../../base/clock.ts'
import { AppError, invalidRequest } from '../../base/errors.ts'
import { asId, newId, type ScimTokenId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import { disclose, newBearer } from '../../crypto/bearer.ts'
import type { Db } from '../../store/db.ts'
import {
  deleteScimToken,
  insertScimToken,
  listScimTokens,
  type ScimTokenRow
} from '../../store/scim-tokens.ts'
import type { TokenMarks } from '../../vault/token-marks.ts'
import { requireAuthority } from '../roles.ts'

export interface ScimTokenView {
  readonly id: ScimTokenId
  readonly name: string
  readonly hint: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
}

/** What an identity provider presents to keep this tenant's people and teams. */
export interface ScimTokens {
  list(scope: TenantScope): Promise<readonly ScimTokenView[]>
  /** @returns the token in clear, this one time */
  create(
    scope: TenantScope,
    input: { name: string; expiresAt?: Date | undefined }
  ): Promise<ScimTokenView & { readonly token: string }>
  /** It is refused from the next request on. @throws AppError `not_found` */
  remove(scope: TenantScope, id: ScimTokenId): Promise<void>
}

export function createScimTokens(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly tokenMarks: TokenMarks
}): ScimTokens {
  const { db, audit, clock, tokenMarks } = deps
  return {
    async list(scope) {
      requireAuthority(scope, 'scim_token.list')
      return (await db.inTenant(scope, listScimTokens)).map(viewOf)
    },
    async create(scope, { name, expiresAt = null }) {
      requireAuthority(scope, 'scim_token.create')
      const now = clock.now()
      if (expiresAt !== null && expiresAt <= now) {
        throw invalidRequest('/expiresAt', 'must be in the future')
      }
      const { bearer, hash, hint } = newBearer('wftc_')
      const row = { id: newId('scimToken', clock), name, hash, hint, createdAt: now, expiresAt }
      const tokenMark = await tokenMarks.mark(scope, bearer)
      return await db.inTenant(scope, async (tx) => {
        const view = viewOf(await insertScimToken(tx, row))
        await audit.append(tx, {
          action: 'scim_token.create',
          object: ['scim_token', row.id],
          details: { name, expiresAt: expiresAt?.toISOString() ?? null, tokenMark }
        })
        return { ...view, token: disclose(bearer) }
      })
    },
    async remove(scope, id) {
      requireAuthority(scope, 'scim_token.delete')
      await db.inTenant(scope, async (tx) => {
        if (!(await deleteScimToken(tx, id))) throw new AppError('not_found')
        await audit.append(tx, { action: 'scim_token.delete', object: ['scim_token', id] })
      })
    }
  }
}

function viewOf(row: ScimTokenRow): ScimTokenView {
  const { name, hint, createdAt, expiresAt, lastUsedAt } = row
  return { id: asId('scimToken', row.id), name, hint, createdAt, expiresAt, lastUsedAt }
}
