import { isObject } from '../../simulation/exchange.ts'
import {
  type FederationPolicies,
  type FederationPolicy,
  newPolicy,
  type OidcPolicy
} from '../federation-policies.ts'
import {
  type Answer,
  type Call,
  failure,
  invalidParameter,
  ok,
  type Route,
  type WorkspaceDeps,
  withBody
} from './answer.ts'

const policiesMax = 20
const policyIdShape = /^[a-z0-9/-]{2,63}$/

/** The account's API for federation policies of its service principals, and how to find one of them. */
export function federationRoutes(
  { registry, clock }: WorkspaceDeps,
  accountId: string,
  policies: FederationPolicies,
  forAdmin: (then: (call: Call) => Answer) => (call: Call) => Answer
): Route[] {
  const notFound = (call: Call, what: string) =>
    failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', `${what} does not exist.`)

  const withPrincipal = (then: (call: Call, principalId: string) => Answer) => (call: Call) => {
    const id = call.params.principal ?? ''
    const isKnown = registry.servicePrincipals().some((one) => one.id === id)
    return isKnown ? then(call, id) : notFound(call, `Service principal ${id}`)
  }

  const withPolicy = (then: (call: Call, policy: FederationPolicy) => Answer) =>
    withPrincipal((call, principalId) => {
      const id = call.params.id ?? ''
      const found = policies.of(principalId).find(({ policy_id }) => policy_id === id)
      return found ? then(call, found) : notFound(call, `Federation policy ${id}`)
    })

  const create = withPrincipal((outer, principalId) =>
    withBody((call, body) => {
      const policyId = call.query.get('policy_id')
      const oidc = oidcOf(body.oidc_policy)
      if (typeof oidc === 'string') return invalidParameter(call, oidc)
      if (policyId !== null && !policyIdShape.test(policyId)) {
        return invalidParameter(call, 'Invalid policy_id')
      }
      const all = policies.of(principalId)
      if (all.some(({ policy_id }) => policy_id === policyId)) {
        const message = `Federation policy ${policyId} already exists`
        return failure(call, 409, 'RESOURCE_ALREADY_EXISTS', message)
      }
      if (all.length >= policiesMax) {
        return invalidParameter(call, `At most ${policiesMax} policies per service principal`)
      }
      const description = typeof body.description === 'string' ? body.description : ''
      const asked = { policyId, description, oidc, now: clock.now() }
      const policy = newPolicy(accountId, principalId, asked)
      policies.put(policy)
      return ok(policy)
    })(outer)
  )

  const update = withPolicy((outer, policy) =>
    withBody((call, body) => {
      const oidc = oidcOf(body.oidc_policy)
      if (typeof oidc === 'string') return invalidParameter(call, oidc)
      const description = typeof body.description === 'string' ? body.description : undefined
      const changed = {
        ...policy,
        ...(description === undefined ? {} : { description }),
        oidc_policy: oidc,
        update_time: clock.now().toISOString()
      }
      policies.put(changed)
      return ok(changed)
    })(outer)
  )

  const list = withPrincipal(({ query }, principalId) => {
    const size = Math.min(Number(query.get('page_size')) || 100, 100)
    const from = Number(query.get('page_token')) || 0
    const all = policies.of(principalId)
    const more = from + size < all.length ? { next_page_token: String(from + size) } : {}
    return ok({ policies: all.slice(from, from + size), ...more })
  })

  const remove = withPolicy((_call, { service_principal_id, policy_id }) => {
    policies.remove(String(service_principal_id), policy_id)
    return ok({})
  })

  /** SCIM 2.0 (RFC 7644 §3.4.2.2), of its filters the one by application id. */
  const findPrincipals = ({ query }: Call): Answer => {
    const wanted = /^applicationId eq "([^"]*)"$/.exec(query.get('filter') ?? '')?.[1]
    const found = registry
      .servicePrincipals()
      .filter(({ userName }) => wanted === undefined || userName === wanted)
      .map(({ id, userName, displayName }) => {
        return { id, applicationId: userName, displayName, active: true }
      })
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:ListResponse']
    return ok({ schemas, totalResults: found.length, Resources: found })
  }

  const account = '/api/2\\.0/accounts/(?<account>[^/]+)'
  const all = new RegExp(`^${account}/servicePrincipals/(?<principal>\\d+)/federationPolicies$`)
  const one = new RegExp(`${all.source.slice(0, -1)}/(?<id>[^?]+)$`)
  const principals = new RegExp(`^${account}/scim/v2/ServicePrincipals$`)
  const route = (method: string, pattern: RegExp, then: (call: Call) => Answer): Route => ({
    method,
    pattern,
    scope: 'authentication',
    handle: forAdmin(then)
  })
  return [
    route('GET', principals, findPrincipals),
    route('POST', all, create),
    route('GET', all, list),
    route(
      'GET',
      one,
      withPolicy((_call, policy) => ok(policy))
    ),
    route('PATCH', one, update),
    route('DELETE', one, remove)
  ]
}

/** What a body asks for; a text says what is wrong with it. */
function oidcOf(value: unknown): OidcPolicy | string {
  if (!isObject(value)) return 'oidc_policy is missing'
  const { issuer, audiences, subject, subject_claim, jwks_json, jwks_uri } = value
  if (typeof issuer !== 'string' || !isIssuer(issuer)) return 'issuer must be an HTTPS URL'
  if (typeof subject !== 'string' || subject === '') return 'subject is required'
  const isList = Array.isArray(audiences) && audiences.every((one) => typeof one === 'string')
  if (audiences !== undefined && !isList) return 'audiences must be a list of texts'
  if (jwks_json !== undefined && !isPublicKeySet(jwks_json)) return 'jwks_json is not a JWK set'
  return {
    issuer,
    subject,
    ...(isList ? { audiences } : {}),
    ...(typeof subject_claim === 'string' ? { subject_claim } : {}),
    ...(typeof jwks_json === 'string' ? { jwks_json } : {}),
    ...(typeof jwks_uri === 'string' ? { jwks_uri } : {})
  }
}

/** Databricks wants https; the local stack has its issuer on this machine. */
function isIssuer(text: string): boolean {
  const url = URL.parse(text)
  return url?.protocol === 'https:' || url?.hostname === 'localhost'
}

function isPublicKeySet(value: unknown): boolean {
  try {
    const set: unknown = JSON.parse(String(value))
    return (
      isObject(set) && Array.isArray(set.keys) && set.keys.every((key) => isObject(key) && !key.d)
    )
  } catch {
    return false
  }
}
