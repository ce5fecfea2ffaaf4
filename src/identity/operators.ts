import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, type UserId } from '../base/ids.ts'
import type { Actor } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import {
  listPlatformOperators,
  removePlatformOperator,
  upsertPlatformOperator,
  withPlatformOperators
} from '../store/platform-operators.ts'
import { listTenantIds, listTenantsOfUser } from '../store/tenants.ts'
import { findUserById, listMembersOfIssuer } from '../store/users.ts'
import { identityScope } from './identity-scope.ts'
import { commandLine } from './operator-call.ts'
import { isSameEmail, parseEmail } from './person.ts'

export interface OperatorView {
  readonly userId: UserId
  readonly issuer: string
  readonly email: string
  readonly name: string
  readonly addedAt: Date
}

/** By id, or by an address that this very issuer has verified; an address alone names nobody. */
export type OperatorChoice =
  | { readonly userId: string }
  | { readonly email: string; readonly issuer: string }

/** Who runs the platform: makes, suspends and erases tenants, and has no role inside any. */
export interface Operators {
  list(): Promise<readonly OperatorView[]>
  /** @throws AppError `not_found`: nobody, or more than one, who has logged in is that */
  add(who: OperatorChoice): Promise<OperatorView>
  /** @throws AppError `not_found`: no operator */
  remove(who: OperatorChoice): Promise<void>
  /** Makes the bootstrap admin the first operator, where there has never been one. */
  claimFirst(userId: UserId): Promise<void>
}

export function createOperators(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
}): Operators {
  const { db, audit, clock } = deps

  /** On record in each of the person's tenants, whose replicas then read the role anew. */
  async function record(
    userId: UserId,
    action: 'operator.add' | 'operator.remove',
    actor: Actor
  ): Promise<void> {
    for (const { id } of await listTenantsOfUser(db, userId)) {
      const event = { action, object: ['user', userId] as const, actor }
      await audit.record(identityScope(asId('tenant', id), null), [event])
    }
  }

  async function find(who: OperatorChoice): Promise<UserId> {
    if ('userId' in who) {
      const user = await findUserById(db, who.userId)
      if (user === null) throw new AppError('not_found')
      return asId('user', user.id)
    }
    const email = parseEmail(who.email)
    if (email === null) throw new AppError('not_found')
    const found = new Set<string>()
    for (const tenantId of await listTenantIds(db)) {
      const members = await db.inTenant(identityScope(asId('tenant', tenantId), null), (tx) =>
        listMembersOfIssuer(tx, who.issuer)
      )
      const theirs = members.filter(
        (user) => user.isEmailVerified && isSameEmail(email, user.email)
      )
      for (const { id } of theirs) found.add(id)
    }
    const [id] = found
    if (id === undefined || found.size > 1) throw new AppError('not_found')
    return asId('user', id)
  }

  async function view(userId: string, addedAt: Date): Promise<OperatorView> {
    const user = await findUserById(db, userId)
    if (user === null) throw new AppError('not_found')
    const { issuer, email, name } = user
    return { userId: asId('user', userId), issuer, email, name, addedAt }
  }

  return {
    async list() {
      const rows = await withPlatformOperators(db, listPlatformOperators)
      const current = rows.filter(({ removedAt }) => removedAt === null)
      return await Promise.all(current.map(({ userId, addedAt }) => view(userId, addedAt)))
    },
    async add(who) {
      const userId = await find(who)
      const addedAt = clock.now()
      const row = { userId, addedAt, addedBy: commandLine.id }
      await withPlatformOperators(db, (tx) => upsertPlatformOperator(tx, row))
      await record(userId, 'operator.add', commandLine)
      return await view(userId, addedAt)
    },
    async remove(who) {
      const userId = await find(who)
      const isRemoved = await withPlatformOperators(db, (tx) =>
        removePlatformOperator(tx, userId, clock.now())
      )
      if (!isRemoved) throw new AppError('not_found')
      await record(userId, 'operator.remove', commandLine)
    },
    async claimFirst(userId) {
      const isFirst = await withPlatformOperators(db, async (tx) => {
        if ((await listPlatformOperators(tx)).length > 0) return false
        await upsertPlatformOperator(tx, { userId, addedAt: clock.now(), addedBy: 'bootstrap' })
        return true
      })
      if (isFirst) await record(userId, 'operator.add', { kind: 'system', id: 'bootstrap' })
    }
  }
}
