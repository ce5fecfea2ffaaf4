import { isJsonObject } from '../../base/json-object.ts'
import type { FederationTerms, FoundPolicy, ProviderFederation } from '../federation.ts'
import { done, isText, read, textsOf } from './account-answers.ts'

const numericId = /^\d{1,20}$/
const policyId = /^[A-Za-z0-9/-]{1,128}$/
const keysMaxChars = 65_536

/** Service principal federation policies, `federationPolicies` of the account's API. */
export const federation: ProviderFederation = {
  audienceOf: (workspaceOrigin) => `${workspaceOrigin}/oidc/v1/token`,
  bodyOf: (terms) => ({ oidc_policy: policyOf(terms) }),
  commandOf(clientId, terms) {
    const json = quoted(JSON.stringify({ oidc_policy: policyOf(terms) }))
    const filter = quoted(`applicationId eq "${clientId}"`)
    return (
      `databricks account service-principal-federation-policy create ` +
      `"$(databricks account service-principals list --filter ${filter} --output json | jq -r '.[0].id')" ` +
      `--json ${json}`
    )
  },
  findPrincipal: (accountId, clientId) => ({
    method: 'GET',
    path: `/api/2.0/accounts/${accountId}/scim/v2/ServicePrincipals?filter=${encodeURIComponent(`applicationId eq "${clientId}"`)}`,
    body: null,
    interpret: (status, headers, body) =>
      read(status, headers, body, ({ Resources: found = [] }) => {
        if (!Array.isArray(found)) return null
        const ours = found
          .filter(isJsonObject)
          .find(({ applicationId }) => applicationId === clientId)
        if (ours === undefined) return { value: null }
        const id = String(ours.id)
        return numericId.test(id) ? { value: id } : null
      })
  }),
  list: (accountId, principalId, pageToken) => ({
    method: 'GET',
    path: `${pathOf(accountId, principalId)}?page_size=100${pageToken === null ? '' : `&page_token=${encodeURIComponent(pageToken)}`}`,
    body: null,
    interpret: (status, headers, body) =>
      read(status, headers, body, ({ policies = [], next_page_token: next }) => {
        if (!Array.isArray(policies)) return null
        const found = policies.filter(isJsonObject).map(foundOf)
        const items = found.filter((one) => one !== null)
        return { value: { items, nextPageToken: isText(next) ? next : null } }
      })
  }),
  create: (accountId, principalId, terms) => ({
    method: 'POST',
    path: pathOf(accountId, principalId),
    body: JSON.stringify({ description: 'Weft', oidc_policy: policyOf(terms) }),
    interpret: (status, headers, body) =>
      read(status, headers, body, (json) => {
        const id = idOf(json)
        return id === null ? null : { value: id }
      })
  }),
  update: (accountId, principalId, id, terms) => ({
    method: 'PATCH',
    path: `${pathOf(accountId, principalId)}/${encodeURIComponent(id)}?update_mask=oidc_policy`,
    body: JSON.stringify({ oidc_policy: policyOf(terms) }),
    interpret: done
  })
}

function pathOf(accountId: string, principalId: string): string {
  return `/api/2.0/accounts/${accountId}/servicePrincipals/${principalId}/federationPolicies`
}

function policyOf({ issuer, audiences, subject, keys }: FederationTerms) {
  return { issuer, audiences, subject, ...(keys === null ? {} : { jwks_json: keys }) }
}

function foundOf(json: Record<string, unknown>): FoundPolicy | null {
  const id = idOf(json)
  const policy = json.oidc_policy
  if (id === null || !isJsonObject(policy)) return null
  const { issuer, audiences, subject, jwks_json: keys } = policy
  if (!isText(issuer) || !isText(subject)) return null
  const hasKeys = typeof keys === 'string' && keys !== '' && keys.length <= keysMaxChars
  return { id, issuer, audiences: textsOf(audiences), subject, keys: hasKeys ? keys : null }
}

/** Its id, or the end of its resource name. */
function idOf({ policy_id: id, name }: Record<string, unknown>): string | null {
  const text = isText(id) ? id : isText(name) ? (name.split('/federationPolicies/')[1] ?? '') : ''
  return policyId.test(text) ? text : null
}

/** One word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
