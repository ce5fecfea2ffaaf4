/** Where anyone can get an account. */
const publicHost = /^(accounts\.google\.com|appleid\.apple\.com|gitlab\.com)$/
const entraHost = /^login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)$/
/** Entra ID's words for "whichever tenant", in the place of one tenant's id. */
const entraShared = /^(common|organizations)$/
/** The tenant of Microsoft's personal accounts: anyone can get one. */
const entraPersonal = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** What an issuer of Entra ID says: one tenant by its GUID, or whichever tenant the person is of. */
export interface EntraAuthority {
  /** What stands before the tenant, `https://login.microsoftonline.com`. */
  readonly base: string
  /** Lower case; null: any tenant, `common` or `organizations`. */
  readonly tenantId: string | null
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const entraPath = /^\/([^/]+)\/v2\.0$/

/** Whether a text is an Entra tenant's id in the one spelling that tokens have: a GUID in lower case. */
export function isEntraTenantId(text: string): boolean {
  return guid.test(text) && text !== entraPersonal
}

/** Whether the issuer stands in one of Microsoft's clouds. */
export function isEntraIssuer(issuer: string): boolean {
  const url = URL.parse(issuer)
  return url !== null && entraHost.test(url.hostname)
}

/**
 * An Entra ID v2.0 issuer read apart: `{base}/{tenant id | common | organizations}/v2.0`.
 * @returns null for anything else: v1.0, a tenant named by its domain, personal accounts
 */
export function entraAuthorityOf(issuer: string): EntraAuthority | null {
  const url = URL.parse(issuer)
  const tenant = entraPath.exec(url?.pathname ?? '')?.[1] ?? ''
  if (url === null || issuer !== entraIssuer({ base: url.origin }, tenant)) return null
  if (entraShared.test(tenant)) return { base: url.origin, tenantId: null }
  return isEntraTenantId(tenant) ? { base: url.origin, tenantId: tenant } : null
}

/** The issuer that tokens of this very tenant carry. */
export function entraIssuer({ base }: Pick<EntraAuthority, 'base'>, tenantId: string): string {
  return `${base}/${tenantId}/v2.0`
}

/** Whether anyone at all can get an account at this issuer. */
export function isPublicIssuer(issuer: string): boolean {
  return publicHost.test(URL.parse(issuer)?.hostname ?? '')
}
