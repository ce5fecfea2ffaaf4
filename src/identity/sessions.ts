import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, type SessionId, type TeamId, type TenantId, type UserId } from '../base/ids.ts'
import { disclose } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { findLoginProvider, type LoginProviderRow } from '../store/login-providers.ts'
import { findMembership } from '../store/memberships.ts'
import { isPlatformOperator } from '../store/platform-operators.ts'
import { deleteSession, insertSession, listSessionsOfUser, takeSession } from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { findTenant, listTenantsOfUser } from '../store/tenants.ts'
import { findUser } from '../store/users.ts'
import { type Caller, personOf } from './caller.ts'
import { identityScope } from './identity-scope.ts'
import type { TeamRole, TenantRole } from './roles.ts'
import { endPresentedSession, newSession } from './session-life.ts'
import { tenantRoleOf } from './tenant-role.ts'

interface TenantName {
  readonly id: TenantId
  readonly slug: string
  readonly name: string
}

export interface Me {
  readonly user: { readonly id: UserId; readonly email: string; readonly name: string }
  readonly tenant: TenantName
  readonly tenants: readonly TenantName[]
  readonly role: TenantRole
  readonly isPlatformOperator: boolean
  readonly teams: readonly {
    readonly id: TeamId
    readonly name: string
    readonly role: TeamRole
  }[]
}

export interface SessionView {
  readonly id: SessionId
  readonly isCurrent: boolean
  readonly userAgent: string
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
}

export interface SwitchedTenant {
  readonly me: Me
  readonly session: { readonly token: string; readonly expiresAt: Date } | null
}

/** Of a person with a session; a service account gets `forbidden` from all but `logout`. */
export interface Sessions {
  me(caller: Caller): Promise<Me>
  /**
   * Moves this session to another tenant of the same person, under a new id and token; null where it is there.
   * @throws AppError `not_found`
   */
  switchTenant(caller: Caller, tenantId: TenantId): Promise<SwitchedTenant>
  list(caller: Caller): Promise<readonly SessionView[]>
  /** @throws AppError `not_found` */
  end(caller: Caller, sessionId: SessionId): Promise<void>
  /** @returns where to end the session at the identity provider too, when it offers that */
  logout(sessionToken: string | null, requestId: string): Promise<{ endSessionUrl: string | null }>
}

export interface SessionsDeps {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  /** Where the identity provider ends its own session. */
  readonly endSessionUrl: (provider: LoginProviderRow) => Promise<string | null>
}

export function createSessions(deps: SessionsDeps): Sessions {
  const { db, audit, clock } = deps

  async function meIn(tenantId: TenantId, userId: UserId, requestId: string | null): Promise<Me> {
    const tenants = await listTenantsOfUser(db, userId)
    return await db.inTenant(identityScope(tenantId, requestId), async (tx) => {
      const membership = await findMembership(tx, userId)
      const user = await findUser(tx, userId)
      const tenant = await findTenant(tx)
      if (membership === null || user === null || tenant === null) {
        throw new AppError('unauthenticated')
      }
      const teams = await listTeamsOfUser(tx, userId)
      return {
        user: { id: userId, email: user.email, name: user.name },
        tenant: nameOf(tenant),
        tenants: tenants.filter(({ status }) => status === 'active').map(nameOf),
        role: await tenantRoleOf(tx, membership),
        isPlatformOperator: await isPlatformOperator(tx, userId),
        teams: teams.map(({ id, name, role }) => ({
          id: asId('team', id),
          name,
          role: role === 'admin' ? 'admin' : 'member'
        }))
      }
    })
  }

  async function switchTenant(caller: Caller, tenantId: TenantId): Promise<SwitchedTenant> {
    const { userId, sessionId } = requirePerson(caller)
    const { scope } = caller
    const own = await listTenantsOfUser(db, userId)
    const target = own.find(({ id, status }) => id === tenantId && status === 'active')
    if (target === undefined) throw new AppError('not_found')
    if (tenantId === scope.tenantId) {
      return { me: await meIn(tenantId, userId, scope.requestId), session: null }
    }
    const action = 'me.switch_tenant'
    const left = await db.inTenant(scope, async (tx) => {
      const taken = await takeSession(tx, sessionId, userId)
      if (taken === null) throw new AppError('unauthenticated')
      const object = ['session', sessionId] as const
      await audit.append(tx, { action, object, details: { direction: 'left' } })
      return taken
    })
    const { token, row: fresh } = newSession(clock, left)
    // It ends when the login's would have.
    const row = { ...fresh, createdAt: left.createdAt, expiresAt: left.expiresAt }
    // Row-level security serves one tenant a transaction: a crash in between logs out, never in twice.
    await db.inTenant(identityScope(tenantId, scope.requestId), async (tx) => {
      await insertSession(tx, row)
      const object = ['session', row.id] as const
      const details = { direction: 'entered' }
      await audit.append(tx, { action, object, actor: scope.actor, details })
    })
    const session = { token: disclose(token), expiresAt: row.expiresAt }
    return { me: await meIn(tenantId, userId, scope.requestId), session }
  }

  return {
    me: async (caller) =>
      await meIn(caller.scope.tenantId, requirePerson(caller).userId, caller.scope.requestId),
    switchTenant,
    async list(caller) {
      const { userId, sessionId } = requirePerson(caller)
      const rows = await db.inTenant(caller.scope, (tx) =>
        listSessionsOfUser(tx, userId, clock.now())
      )
      return rows.map((row) => ({
        id: asId('session', row.id),
        isCurrent: row.id === sessionId,
        userAgent: row.userAgent,
        createdAt: row.createdAt,
        lastSeenAt: row.lastSeenAt,
        expiresAt: row.expiresAt
      }))
    },
    async end(caller, sessionId) {
      const { userId } = requirePerson(caller)
      await db.inTenant(caller.scope, async (tx) => {
        if (!(await deleteSession(tx, sessionId, userId))) throw new AppError('not_found')
        await audit.append(tx, { action: 'session.delete', object: ['session', sessionId] })
      })
    },
    async logout(sessionToken, requestId) {
      const row = await endPresentedSession(deps, sessionToken, 'logout', requestId)
      if (row === null) return { endSessionUrl: null }
      const scope = identityScope(asId('tenant', row.tenantId), requestId)
      const provider = await db.inTenant(scope, (tx) => findLoginProvider(tx, row.loginProviderId))
      if (provider === null) return { endSessionUrl: null }
      // The session here has ended; an identity provider that is away cannot undo that.
      return { endSessionUrl: await deps.endSessionUrl(provider).catch(() => null) }
    }
  }
}

function requirePerson(caller: Caller): { userId: UserId; sessionId: SessionId } {
  const person = personOf(caller)
  if (person === null) throw new AppError('forbidden')
  return person
}

function nameOf({ id, slug, name }: { id: string; slug: string; name: string }): TenantName {
  return { id: asId('tenant', id), slug, name }
}
