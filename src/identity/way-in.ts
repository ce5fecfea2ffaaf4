import { AppError } from '../base/errors.ts'
import { entraAuthorityOf, entraIssuer } from '../base/issuer.ts'
import type { Tx } from '../store/db.ts'
import { listLoginProviders } from '../store/login-providers.ts'
import { listAdminIssuers } from '../store/memberships.ts'

/** Every issuer that ID tokens of this login provider may carry. */
export function issuersOf({
  kind,
  issuer,
  allowedTenantIds
}: {
  readonly kind: string
  readonly issuer: string
  readonly allowedTenantIds: readonly string[]
}): readonly string[] {
  const authority = kind === 'entra' ? entraAuthorityOf(issuer) : null
  if (authority === null || authority.tenantId !== null) return [issuer]
  return allowedTenantIds.map((tenantId) => entraIssuer(authority, tenantId))
}

/**
 * After a change to the login providers, in its transaction: some admin can still come in.
 * @throws AppError `conflict`
 */
export async function requireWayIn(tx: Tx): Promise<void> {
  const providers = (await listLoginProviders(tx)).filter(({ isEnabled }) => isEnabled)
  const accepted = providers.flatMap(issuersOf)
  const known = await listAdminIssuers(tx)
  if (known.some((issuer) => accepted.includes(issuer))) return
  const detail = 'No admin of the tenant could log in any more: first log in by another provider'
  throw new AppError('conflict', { detail })
}
