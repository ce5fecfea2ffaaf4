import { invalidRequest } from '../../base/errors.ts'
import { isJsonObject } from '../../base/json-object.ts'
import { Secret } from '../../base/secret.ts'
import type { AppPolicy, AppRegistration, FoundApp, ProviderAccount } from '../account.ts'
import { done, isText, read, textsOf } from './account-answers.ts'
import { parseHost } from './workspace-url.ts'

/** The account consoles, cloud by cloud; each speaks for every account of its cloud. */
const origins: readonly string[] = [
  'https://accounts.cloud.databricks.com',
  'https://accounts.cloud.databricks.us',
  'https://accounts-dod.cloud.databricks.us',
  'https://accounts-dod.cloud.databricks.mil',
  'https://accounts.azuredatabricks.net',
  'https://accounts.databricks.azure.us',
  'https://accounts.databricks.azure.cn',
  'https://accounts.gcp.databricks.com'
]

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const registrationId = /^[A-Za-z0-9-]{1,64}$/

/** The account's own API for custom OAuth apps, `custom-app-integrations`. */
export const account: ProviderAccount = {
  origins,
  implicitScopes: ['openid', 'email', 'profile'], // the console adds them by itself
  readAccount(input) {
    const text = input.accountHost.trim()
    const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
    const { origin } = parseHost(address, '/accountHost')
    if (!uuid.test(input.accountId)) throw invalidRequest('/accountId', 'not the id of an account')
    const accountId = input.accountId.toLowerCase()
    return { origin, accountId, oauthRoot: `/oidc/accounts/${accountId}` }
  },
  create: (accountId, { name, ...registration }) => ({
    method: 'POST',
    path: pathOf(accountId),
    body: JSON.stringify({ name, confidential: true, ...bodyOf(registration) }),
    interpret: (status, headers, body) =>
      read(status, headers, body, ({ integration_id, client_id, client_secret }) =>
        isId(integration_id) && isText(client_id) && isText(client_secret)
          ? {
              value: {
                id: integration_id,
                clientId: client_id,
                clientSecret: new Secret(client_secret)
              }
            }
          : null
      )
  }),
  read: (accountId, id) => ({
    method: 'GET',
    path: pathOf(accountId, id),
    body: null,
    interpret: (status, headers, body) =>
      read(status, headers, body, (json) => {
        const value = registrationOf(json)
        return value && { value }
      })
  }),
  list: (accountId, pageToken) => ({
    method: 'GET',
    path: `${pathOf(accountId)}?page_size=100${pageToken === null ? '' : `&page_token=${encodeURIComponent(pageToken)}`}`,
    body: null,
    interpret: (status, headers, body) =>
      read(status, headers, body, ({ apps = [], next_page_token: next }) => {
        if (!Array.isArray(apps)) return null
        const found = apps.filter(isJsonObject).map(registrationOf)
        const items = found.filter((one) => one !== null)
        return { value: { items, nextPageToken: isText(next) ? next : null } }
      })
  }),
  update: (accountId, { id, rest }, registration) => ({
    method: 'PATCH',
    path: pathOf(accountId, id),
    body: JSON.stringify(bodyOf(registration, rest)),
    interpret: done
  }),
  remove: (accountId, id) => ({
    method: 'DELETE',
    path: pathOf(accountId, id),
    body: null,
    interpret: done
  })
}

function pathOf(accountId: string, id?: string): string {
  const list = `/api/2.0/accounts/${accountId}/oauth2/custom-app-integrations`
  return id === undefined ? list : `${list}/${encodeURIComponent(id)}`
}

function bodyOf(
  { redirectUrls, scopes, policy }: AppRegistration,
  rest: Readonly<Record<string, unknown>> = {}
) {
  const known = {
    refresh_token_ttl_in_minutes: policy.refreshTokenTtlMinutes,
    absolute_session_lifetime_in_minutes: policy.absoluteSessionLifetimeMinutes,
    enable_single_use_refresh_tokens: policy.hasSingleUseRefreshTokens
  }
  const given = Object.entries(known).filter(([, value]) => value !== null)
  const token_access_policy = { ...rest, ...Object.fromEntries(given) }
  const hasPolicy = Object.keys(token_access_policy).length > 0
  return { redirect_urls: redirectUrls, scopes, ...(hasPolicy ? { token_access_policy } : {}) }
}

function registrationOf(json: Record<string, unknown>): FoundApp | null {
  const { integration_id, client_id, redirect_urls, scopes, token_access_policy } = json
  if (!isId(integration_id) || !isText(client_id)) return null
  const rest = isJsonObject(token_access_policy) ? token_access_policy : {}
  return {
    id: integration_id,
    clientId: client_id,
    redirectUrls: textsOf(redirect_urls),
    scopes: textsOf(scopes),
    policy: policyOf(rest),
    rest
  }
}

function policyOf(policy: Record<string, unknown>): AppPolicy {
  const minutes = (value: unknown) => (typeof value === 'number' ? value : null)
  const isSingleUse = policy.enable_single_use_refresh_tokens
  return {
    refreshTokenTtlMinutes: minutes(policy.refresh_token_ttl_in_minutes),
    absoluteSessionLifetimeMinutes: minutes(policy.absolute_session_lifetime_in_minutes),
    hasSingleUseRefreshTokens: typeof isSingleUse === 'boolean' ? isSingleUse : null
  }
}

function isId(value: unknown): value is string {
  return isText(value) && registrationId.test(value)
}
