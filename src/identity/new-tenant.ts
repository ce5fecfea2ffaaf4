import { invalidRequest } from '../base/errors.ts'
import { isEntraIssuer } from '../base/issuer.ts'
import type { Secret } from '../base/secret.ts'
import { settingsFrom } from './login-provider-settings.ts'
import type { LoginProviderKind } from './login-providers.ts'
import type { OperatorCall } from './operator-call.ts'
import { parseEmail } from './person.ts'

export interface LoginProviderInput {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly emailDomains: readonly string[]
}

export interface NewTenant {
  readonly slug: string
  readonly name: string
  /** Becomes the first admin at their first login; none: nobody does. */
  readonly adminEmail?: string | null
  readonly login: LoginProviderInput
}

/** A tenant that the platform operator makes; a slug that is taken is refused. */
export interface OpenedTenant extends Pick<NewTenant, 'slug' | 'name'> {
  readonly adminEmail: string | null
  /** Null: nobody can log in until there is a login provider. */
  readonly login: LoginProviderInput | null
  readonly by: OperatorCall
}

const slugPattern = /^(?!.*--)[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/

/** @throws AppError `invalid_request` */
export function checkedTenant<T extends LoginProviderInput | null>(input: {
  readonly slug: string
  readonly adminEmail: string | null
  readonly login: T
}): { readonly adminEmail: string | null; readonly login: T } {
  const { slug, adminEmail, login } = input
  if (!slugPattern.test(slug)) {
    throw invalidRequest('/slug', '1 to 40 of a-z, 0-9 and single hyphens, beginning with a letter')
  }
  const email = adminEmail === null ? null : parseEmail(adminEmail)
  if (adminEmail !== null && email === null) {
    throw invalidRequest('/firstAdminEmail', 'is not a plain email address')
  }
  const emailDomains = login === null ? [] : checkedDomains(login)
  return { adminEmail: email?.text ?? null, login: login && { ...login, emailDomains } }
}

function checkedDomains(login: LoginProviderInput): readonly string[] {
  const { issuer, clientId } = login
  if (URL.parse(issuer) === null) throw invalidRequest('/login/issuer', 'is not a URL')
  const fresh = { isEnabled: true, allowedTenantIds: [], emailDomains: [] }
  const settings = { name: issuer, kind: kindOfIssuer(issuer), issuer, clientId, ...fresh }
  return settingsFrom(settings, { emailDomains: login.emailDomains }).emailDomains
}

export function kindOfIssuer(issuer: string): LoginProviderKind {
  return isEntraIssuer(issuer) ? 'entra' : 'oidc'
}
