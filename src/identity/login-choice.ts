import { AppError } from '../base/errors.ts'
import { asId, type LoginProviderId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import {
  type LoginProviderRow,
  listLoginProviders,
  listTenantsOfEmailDomain
} from '../store/login-providers.ts'
import { findTenant, findTenantBySlug, type TenantRow } from '../store/tenants.ts'
import { identityScope } from './identity-scope.ts'
import { type EmailAddress, parseEmail } from './person.ts'

/** What a browser says of whom and where it wants to log in; all of it may be wrong. */
export interface LoginWish {
  readonly tenantSlug: string | null
  readonly loginProviderId: string | null
  /** Of the person who is probably coming: finds the tenant where no slug is given, and is passed on. */
  readonly email: string | null
}

export interface LoginWay {
  readonly tenant: TenantRow
  readonly scope: TenantScope
  /** At least one; more: the person must choose. */
  readonly providers: readonly [LoginProviderRow, ...LoginProviderRow[]]
  readonly loginHint: string | null
}

const slugPattern = /^[a-z0-9-]{1,63}$/

/**
 * From what the browser says to a login provider. A tenant that is not there, suspended or without login, a
 * domain that is nobody's and a domain that is claimed by two all read alike.
 * @throws AppError `not_found`
 */
export async function findLoginWay(
  db: Db,
  defaultSlug: string,
  wish: LoginWish
): Promise<LoginWay> {
  const email = parseEmail(wish.email)
  const tenant = await findTenantOf(db, defaultSlug, wish, email)
  if (tenant?.status !== 'active') throw nowhere()
  const scope = identityScope(asId('tenant', tenant.id), null)
  const all = (await db.inTenant(scope, listLoginProviders)).filter(({ isEnabled }) => isEnabled)
  const [provider, ...others] = narrowed(all, wish.loginProviderId, email)
  if (provider === undefined) throw nowhere()
  return { tenant, scope, providers: [provider, ...others], loginHint: email?.text ?? null }
}

export function nowhere(): AppError {
  return new AppError('not_found', {
    detail: 'No organisation of this name or address logs in here'
  })
}

async function findTenantOf(
  db: Db,
  defaultSlug: string,
  { tenantSlug, email: text }: LoginWish,
  email: EmailAddress | null
): Promise<TenantRow | null> {
  if (tenantSlug === null && text !== null) {
    const ids = email === null ? [] : await listTenantsOfEmailDomain(db, email.domain)
    const [id, other] = ids
    if (id === undefined || other !== undefined) return null
    return await db.inTenant(identityScope(asId('tenant', id), null), findTenant)
  }
  const slug = tenantSlug ?? defaultSlug
  return slugPattern.test(slug) ? await findTenantBySlug(db, slug) : null
}

/** The one that is asked for; else those for the address's domain, where there are any; else all. */
function narrowed(
  providers: readonly LoginProviderRow[],
  loginProviderId: string | null,
  email: EmailAddress | null
): readonly LoginProviderRow[] {
  if (loginProviderId !== null) return providers.filter(({ id }) => id === loginProviderId)
  const own = providers.filter(({ emailDomains }) => emailDomains.includes(email?.domain ?? ''))
  return own.length > 0 ? own : providers
}

export interface LoginChoice {
  readonly tenantSlug: string
  readonly providers: readonly { readonly id: LoginProviderId; readonly name: string }[]
}

export function choiceOf({ tenant, providers }: LoginWay): LoginChoice {
  return {
    tenantSlug: tenant.slug,
    providers: providers.map(({ id, name }) => ({ id: asId('loginProvider', id), name }))
  }
}
