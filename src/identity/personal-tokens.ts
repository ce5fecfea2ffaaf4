import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, newId, type PersonalTokenId, type UserId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { disclose, newBearer } from '../crypto/bearer.ts'
import type { Db, Tx } from '../store/db.ts'
import { findMembership, lockMemberships } from '../store/memberships.ts'
import {
  countPersonalTokens,
  deletePersonalToken,
  insertPersonalToken,
  listPersonalTokens,
  type PersonalTokenRow
} from '../store/personal-tokens.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import type { TokenMarks } from '../vault/token-marks.ts'
import {
  dayMs,
  endOfToken,
  scopeOfToken,
  type TokenPolicy,
  type TokenScope
} from './personal-token-scope.ts'
import { requireAuthority } from './roles.ts'
import { mustSeeFabric } from './visible-fabric.ts'

export interface PersonalTokenView {
  readonly id: PersonalTokenId
  readonly name: string
  readonly hint: string
  readonly scope: TokenScope
  readonly createdAt: Date
  /** As the tenant's policy leaves it. */
  readonly expiresAt: Date
  readonly lastUsedAt: Date | null
}

export interface NewPersonalToken {
  readonly name: string
  readonly expiresAt: Date
  readonly scope?: Partial<TokenScope> | undefined
}

/** What people's scripts come with: as the person, and never more than the person may at that moment. */
export interface PersonalTokens {
  list(scope: TenantScope, page: PageQuery): Promise<Page<PersonalTokenView>>
  /**
   * @returns the token in clear, this one time
   * @throws AppError `forbidden`: the tenant allows none; `not_found`: a fabric that the person does not see;
   *   `invalid_request`: it would end too late, or at once; `conflict`: they have too many
   */
  create(
    scope: TenantScope,
    input: NewPersonalToken
  ): Promise<PersonalTokenView & { readonly token: string }>
  /** It is refused from the next request on. @throws AppError `not_found` */
  revoke(scope: TenantScope, id: PersonalTokenId): Promise<void>
  /** For tenant admins. @throws AppError `not_found`: no such member */
  listOfMember(
    scope: TenantScope,
    userId: UserId,
    page: PageQuery
  ): Promise<Page<PersonalTokenView>>
  /** @throws AppError `not_found` */
  revokeOfMember(scope: TenantScope, userId: UserId, id: PersonalTokenId): Promise<void>
}

const tokensMax = 100

export function createPersonalTokens(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly tokenMarks: TokenMarks
}): PersonalTokens {
  const { db, audit, clock, tokenMarks } = deps

  async function listIn(tx: Tx, userId: UserId, { limit, cursor }: PageQuery) {
    const policy = await readTenantSettings(tx)
    const rows = await listPersonalTokens(tx, userId, { limit: limit + 1, cursor })
    return pageOf(rows, limit, (row) => viewOf(row, policy))
  }

  async function revokeIn(tx: Tx, userId: UserId, id: PersonalTokenId): Promise<void> {
    if (!(await deletePersonalToken(tx, userId, id))) throw new AppError('not_found')
    await audit.append(tx, {
      action: 'personal_token.revoke',
      object: ['personal_token', id],
      details: { userId }
    })
  }

  return {
    async list(scope, page) {
      requireAuthority(scope, 'personal_token.list')
      return await db.inTenant(scope, (tx) => listIn(tx, personOfScope(scope), page))
    },
    async create(scope, { name, expiresAt, scope: { fabrics = null, access = 'query' } = {} }) {
      requireAuthority(scope, 'personal_token.create')
      const userId = personOfScope(scope)
      const now = clock.now()
      const { bearer, hash, hint } = newBearer('wftp_')
      const row = {
        id: newId('personalToken', clock),
        userId,
        name,
        hash,
        hint,
        access,
        hasFabricList: fabrics !== null,
        fabricIds: [...(fabrics ?? [])],
        createdAt: now,
        expiresAt
      }
      const tokenMark = await tokenMarks.mark(scope, bearer)
      return await db.inTenant(scope, async (tx) => {
        const policy = await readTenantSettings(tx)
        refuseByPolicy(policy, now, expiresAt)
        for (const id of fabrics ?? []) await mustSeeFabric(tx, id)
        await lockMemberships(tx)
        if ((await countPersonalTokens(tx, userId)) >= tokensMax) {
          const detail = `A person has at most ${tokensMax} tokens; revoke one first`
          throw new AppError('conflict', { detail })
        }
        const view = viewOf(await insertPersonalToken(tx, row), policy)
        await audit.append(tx, {
          action: 'personal_token.create',
          object: ['personal_token', row.id],
          details: {
            name,
            access,
            fabricIds: fabrics,
            expiresAt: expiresAt.toISOString(),
            tokenMark
          }
        })
        return { ...view, token: disclose(bearer) }
      })
    },
    async revoke(scope, id) {
      requireAuthority(scope, 'personal_token.revoke')
      await db.inTenant(scope, (tx) => revokeIn(tx, personOfScope(scope), id))
    },
    async listOfMember(scope, userId, page) {
      requireAuthority(scope, 'personal_token.list_of_member')
      return await db.inTenant(scope, async (tx) => {
        if ((await findMembership(tx, userId)) === null) throw new AppError('not_found')
        return await listIn(tx, userId, page)
      })
    },
    async revokeOfMember(scope, userId, id) {
      requireAuthority(scope, 'personal_token.revoke_of_member')
      await db.inTenant(scope, (tx) => revokeIn(tx, userId, id))
    }
  }
}

function personOfScope({ actor }: TenantScope): UserId {
  if (actor.kind !== 'user') throw new AppError('forbidden')
  return actor.id
}

function refuseByPolicy(policy: TokenPolicy, now: Date, expiresAt: Date): void {
  const { personalTokensAllowed, personalTokenMaxDays: days } = policy
  if (!personalTokensAllowed) {
    const detail = 'Your organisation allows no personal access tokens; its admins decide that'
    throw new AppError('forbidden', { detail })
  }
  if (expiresAt <= now) throw invalidRequest('/expiresAt', 'must be in the future')
  if (expiresAt > plusMs(now, days * dayMs)) {
    throw invalidRequest('/expiresAt', `must be within ${days} days, as your organisation decides`)
  }
}

function viewOf(row: PersonalTokenRow, policy: TokenPolicy): PersonalTokenView {
  const { name, hint, createdAt, lastUsedAt } = row
  const id = asId('personalToken', row.id)
  const expiresAt = endOfToken(row, policy)
  return { id, name, hint, scope: scopeOfToken(row), createdAt, expiresAt, lastUsedAt }
}
