import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import {
  asId,
  newId,
  type SessionId,
  type TeamId,
  type TenantId,
  type UserId
} from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import { disclose } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import {
  findLoginProvider,
  findTenantOfLoginProvider,
  type LoginProviderRow
} from '../store/login-providers.ts'
import { findMembership } from '../store/memberships.ts'
import { isPlatformOperator } from '../store/platform-operators.ts'
import {
  deleteSession,
  insertSession,
  listSessionsOfUser,
  type SessionRow,
  takeSession
} from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { findTenant, listTenantsOfUser } from '../store/tenants.ts'
import { findUser } from '../store/users.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { type Caller, personOf } from './caller.ts'
import { identityScope } from './identity-scope.ts'
import { idTokenPlace } from './login-attempt.ts'
import type { TeamRole, TenantRole } from './roles.ts'
import { endPresentedSession, newSession, shortened } from './session-life.ts'
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
  logout(
    sessionToken: string | null,
    requestId: string,
    source?: string | null
  ): Promise<{ endSessionUrl: string | null }>
}

export interface SessionsDeps {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly strongbox: Pick<Strongbox, 'open'>
  /** Where the identity provider ends its own session. */
  readonly endSessionUrl: (
    provider: LoginProviderRow,
    idToken: Secret | null
  ) => Promise<string | null>
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
    if (!own.some(({ id, status }) => id === tenantId && status === 'active')) {
      throw new AppError('not_found')
    }
    if (tenantId === scope.tenantId) {
      return { me: await meIn(tenantId, userId, scope.requestId), session: null }
    }
    const action = 'me.switch_tenant'
    const target = identityScope(tenantId, scope.requestId, scope)
    const { limits, endings } = await db.inTenant(target, async (tx) => {
      const settings = await readTenantSettings(tx)
      const membership = await findMembership(tx, userId)
      const endings = [settings.sessionsEndedAt, membership?.sessionsEndedAt]
      return { limits: settings, endings: endings.filter((at) => at instanceof Date) }
    })
    const left = await db.inTenant(scope, async (tx) => {
      const taken = await takeSession(tx, sessionId, userId)
      // Ended there, with all others: this one may not come back in by a detour.
      const isEnded = taken !== null && endings.some((at) => at >= taken.createdAt)
      if (taken === null || isEnded) throw new AppError('unauthenticated')
      const object = ['session', sessionId] as const
      await audit.append(tx, { action, object, details: { direction: 'left' } })
      return taken
    })
    // The ID token is sealed for the tenant that is left.
    const moved = { ...left, id: newId('session', clock), idTokenSealed: null }
    const { token, row: fresh } = newSession(clock, limits, moved)
    // It ends when the login's would have, or earlier by the limits here.
    const { createdAt } = left
    const row = { ...fresh, createdAt, expiresAt: shortened(left, limits).expiresAt }
    // Row-level security serves one tenant a transaction: a crash in between logs out, never in twice.
    await db.inTenant(target, async (tx) => {
      await insertSession(tx, row)
      const object = ['session', row.id] as const
      const details = { direction: 'entered' }
      await audit.append(tx, { action, object, actor: scope.actor, details })
    })
    const session = { token: disclose(token), expiresAt: row.expiresAt }
    return { me: await meIn(tenantId, userId, scope.requestId), session }
  }

  /** The login provider may be another tenant's, where the session has moved since. */
  async function providerLogout(row: SessionRow, requestId: string): Promise<string | null> {
    const tenantId = await findTenantOfLoginProvider(db, row.loginProviderId)
    if (tenantId === null) return null
    const scope = identityScope(asId('tenant', tenantId), requestId)
    const provider = await db.inTenant(scope, (tx) => findLoginProvider(tx, row.loginProviderId))
    if (provider === null) return null
    const { id, idTokenSealed: sealed } = row
    const idToken = sealed && (await deps.strongbox.open(scope, idTokenPlace(id), sealed))
    return await deps.endSessionUrl(provider, idToken || null)
  }

  return {
    async me({ scope }) {
      if (scope.actor.kind !== 'user') throw new AppError('forbidden')
      return await meIn(scope.tenantId, scope.actor.id, scope.requestId)
    },
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
    async logout(sessionToken, requestId, source = null) {
      const call = { requestId, source }
      const row = await endPresentedSession(deps, sessionToken, 'logout', call)
      // The session here has ended; an identity provider that is away cannot undo that.
      const endSessionUrl = row && (await providerLogout(row, requestId).catch(() => null))
      return { endSessionUrl }
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
