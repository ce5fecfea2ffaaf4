import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { invalidRequest } from '../base/errors.ts'
import { asId, type LoginProviderId, newId, type TenantId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { hashToken, hintOf } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  insertLoginProvider,
  type LoginProviderRow,
  listLoginProviders,
  updateLoginProvider
} from '../store/login-providers.ts'
import { insertTeam } from '../store/teams.ts'
import { findTenantBySlug, insertTenant } from '../store/tenants.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { forgetLogins } from './group-roles.ts'
import { identityScope } from './identity-scope.ts'
import { clientSecretPlace, loginRedirectUri } from './login-attempt.ts'
import {
  checkedTenant,
  kindOfIssuer,
  type LoginProviderInput,
  type NewTenant,
  type OpenedTenant
} from './new-tenant.ts'
import { type OperatorCall, operatorScope } from './operator-call.ts'

export interface CreatedTenant {
  readonly tenantId: TenantId
  readonly loginProviderId: LoginProviderId
  /** To be registered at the identity provider. */
  readonly redirectUri: string
}

/** For boot and the operator's commands; every step may run twice, on two replicas at once, or die half-way. */
export interface Bootstrap {
  /**
   * The first tenant as the environment describes it, its data key, and its login provider, which follows
   * every later change of issuer, client, secret and domains.
   * @returns null for the login provider where the environment names none
   */
  ensureBootstrap(input: {
    readonly tenantSlug: string
    readonly login: LoginProviderInput | null
  }): Promise<{ tenantId: TenantId; login: CreatedTenant | null }>
  /** The same tenant for the same slug, the same login provider for the same issuer and client. */
  createTenant(input: NewTenant): Promise<CreatedTenant>
  /** @throws AppError `invalid_request`: the slug is taken, or something is no slug, URL or address */
  openTenant(input: OpenedTenant): Promise<{ tenantId: TenantId; login: CreatedTenant | null }>
}

export interface BootstrapDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly clock: Clock
  readonly publicUrl: string
}

const sharedTeamName = 'Everyone'
/** Name of the one login provider that follows the environment. */
const environment = 'environment'

export function createBootstrap(deps: BootstrapDeps): Bootstrap {
  const { db, audit, strongbox, clock, publicUrl } = deps

  async function ensureTenant(
    slug: string,
    name: string,
    firstAdminEmail: string | null,
    founder: OperatorCall | null = null
  ): Promise<TenantScope> {
    const existing = await findTenantBySlug(db, slug)
    if (existing !== null && founder !== null) throw invalidRequest('/slug', 'is taken')
    const tenantId = existing === null ? newId('tenant', clock) : asId('tenant', existing.id)
    const scope =
      founder === null ? identityScope(tenantId, null) : operatorScope(founder, tenantId)
    if (existing === null) {
      const inserted = db.inTenant(scope, async (tx) => {
        const createdAt = clock.now()
        await insertTenant(tx, { slug, name, firstAdminEmail, createdAt })
        const teamId = newId('team', clock)
        const team = { id: teamId, name: sharedTeamName, kind: 'shared', createdAt }
        await insertTeam(tx, { ...team, isDefault: true })
        const object = ['tenant', tenantId] as const
        await audit.append(tx, { action: 'tenant.create', object, details: { slug } })
        return true
      })
      const isOurs = await inserted.catch(falseWhereTaken)
      if (!isOurs) return await ensureTenant(slug, name, firstAdminEmail, founder)
    }
    await strongbox.prepare(scope)
    return scope
  }

  /** @param name of the provider: one of this name is changed in place, whatever it is now */
  async function ensureLogin(
    scope: TenantScope,
    name: string | null,
    login: LoginProviderInput
  ): Promise<LoginProviderId> {
    const { issuer, clientId } = login
    const providers = await db.inTenant(scope, listLoginProviders)
    const existing =
      providers.find((row) => row.issuer === issuer && row.clientId === clientId) ??
      providers.find((row) => name !== null && row.name === name)
    if (existing !== undefined) return await updateLogin(scope, existing, login)
    const id = newId('loginProvider', clock)
    const row = {
      id,
      name: name ?? issuer,
      issuer,
      clientId,
      kind: kindOfIssuer(issuer),
      ...(await sealSecret(scope, id, login.clientSecret)),
      emailDomains: [...login.emailDomains],
      createdAt: clock.now(),
      updatedAt: clock.now()
    }
    const inserted = db.inTenant(scope, async (tx) => {
      await insertLoginProvider(tx, row)
      // A login provider is how a tenant is reached, so it counts as part of making it.
      const object = ['login_provider', id] as const
      await audit.append(tx, {
        action: 'login_provider.create',
        object,
        details: { issuer, clientId }
      })
      return true
    })
    const isOurs = await inserted.catch(falseWhereTaken)
    return isOurs ? id : await ensureLogin(scope, name, login)
  }

  async function updateLogin(
    scope: TenantScope,
    row: LoginProviderRow,
    login: LoginProviderInput
  ): Promise<LoginProviderId> {
    const id = asId('loginProvider', row.id)
    const place = clientSecretPlace(id)
    const secret = await strongbox.open(scope, place, row.clientSecretSealed)
    const { issuer, clientId } = login
    const changed = [
      row.issuer !== issuer && 'issuer',
      row.clientId !== clientId && 'clientId',
      hashToken(secret) !== hashToken(login.clientSecret) && 'clientSecret',
      row.emailDomains.join() !== login.emailDomains.join() && 'emailDomains'
    ].filter((name) => name !== false)
    if (changed.length === 0) return id
    const settings = {
      kind: kindOfIssuer(issuer),
      issuer,
      clientId,
      ...(await sealSecret(scope, id, login.clientSecret)),
      emailDomains: [...login.emailDomains],
      verifiedAt: null,
      updatedAt: clock.now()
    }
    await db.inTenant(scope, async (tx) => {
      // Another replica that starts now brings the same settings.
      if (!(await updateLoginProvider(tx, id, row.version, settings))) return
      if (row.issuer !== issuer || row.clientId !== clientId) await forgetLogins(tx, id)
      const object = ['login_provider', id] as const
      await audit.append(tx, { action: 'login_provider.update', object, details: { changed } })
    })
    return id
  }

  async function sealSecret(scope: TenantScope, id: string, secret: Secret) {
    return {
      clientSecretSealed: await strongbox.seal(scope, clientSecretPlace(id), secret),
      clientSecretHint: hintOf(secret),
      clientSecretSetAt: clock.now()
    }
  }

  async function ensure(
    scope: TenantScope,
    name: string | null,
    login: LoginProviderInput
  ): Promise<CreatedTenant> {
    const loginProviderId = await ensureLogin(scope, name, login)
    const redirectUri = loginRedirectUri(publicUrl, loginProviderId)
    return { tenantId: scope.tenantId, loginProviderId, redirectUri }
  }

  return {
    async ensureBootstrap({ tenantSlug, login }) {
      const existing = await findTenantBySlug(db, tenantSlug)
      // The next start makes it anew.
      if (existing?.status === 'erasing')
        return { tenantId: asId('tenant', existing.id), login: null }
      const scope = await ensureTenant(tenantSlug, tenantSlug, null)
      const { tenantId } = scope
      return { tenantId, login: login === null ? null : await ensure(scope, environment, login) }
    },
    async createTenant({ slug, name, adminEmail = null, login }) {
      const input = checkedTenant({ slug, adminEmail, login })
      return await ensure(await ensureTenant(slug, name, input.adminEmail), null, input.login)
    },
    async openTenant({ slug, name, adminEmail, login, by }) {
      const input = checkedTenant({ slug, adminEmail, login })
      const scope = await ensureTenant(slug, name, input.adminEmail, by)
      const { tenantId } = scope
      return { tenantId, login: input.login && (await ensure(scope, null, input.login)) }
    }
  }
}

function falseWhereTaken(err: unknown): false {
  if (err instanceof UniqueViolation) return false
  throw err
}
