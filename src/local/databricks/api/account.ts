import { isObject } from '../../simulation/exchange.ts'
import type { CustomApps, Integration, IntegrationChange } from '../custom-apps.ts'
import type { FederationPolicies } from '../federation-policies.ts'
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
import { federationRoutes } from './federation.ts'

const allowedScopes = ['all-apis', 'sql', 'offline_access', 'openid', 'profile', 'email']
/** Least and most minutes of each member of a token access policy. */
const policyMinutes: Readonly<Record<string, readonly [number, number]>> = {
  access_token_ttl_in_minutes: [5, 1_440],
  refresh_token_ttl_in_minutes: [5, 129_600],
  absolute_session_lifetime_in_minutes: [5, 5_256_000]
}

/** What is kept at an account, for every workspace of it. */
export interface AccountState {
  readonly accountId: string
  readonly customApps: CustomApps
  readonly federationPolicies: FederationPolicies
}

/** The account's API for custom OAuth apps and federation policies, which only account admins may use. */
export function accountRoutes(
  deps: WorkspaceDeps,
  { accountId, customApps: apps, federationPolicies }: AccountState
): Route[] {
  const { registry, clock } = deps
  const forAdmin = (then: (call: Call) => Answer) => (call: Call) => {
    if (call.params.account !== accountId) {
      return failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', 'No such account')
    }
    if (registry.isAccountAdmin(call.caller.userName)) return then(call)
    const message = `User ${call.caller.userName} is not an account admin`
    return failure(call, 403, 'PERMISSION_DENIED', message)
  }
  const withApp = (call: Call, then: (app: Integration) => Answer) => {
    const found = apps.find(call.params.id ?? '')
    if (found) return then(found)
    const message = `Custom app integration ${call.params.id} does not exist.`
    return failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', message)
  }

  const create = withBody((call, body) => {
    const { name, confidential = false } = body
    const change = changeOf(body)
    if (typeof name !== 'string' || name === '') return invalidParameter(call, 'name is missing')
    if (typeof change === 'string') return invalidParameter(call, change)
    if (apps.all().some((one) => one.name === name)) {
      return failure(call, 409, 'RESOURCE_ALREADY_EXISTS', `App ${name} already exists`)
    }
    const { integration, clientSecret } = apps.add({
      name,
      confidential: confidential === true,
      redirect_urls: change.redirect_urls ?? [],
      scopes: change.scopes ?? ['all-apis'],
      token_access_policy: {
        access_token_ttl_in_minutes: 60,
        refresh_token_ttl_in_minutes: 10_080,
        ...change.token_access_policy
      },
      created_by: Number(call.caller.id),
      create_time: clock.now().toISOString(),
      creator_username: call.caller.userName
    })
    const { integration_id, client_id } = integration
    const secret = clientSecret === null ? {} : { client_secret: clientSecret }
    return ok({ integration_id, client_id, ...secret })
  })

  const list = ({ query }: Call) => {
    const size = Math.min(Number(query.get('page_size')) || 100, 100)
    const from = Number(query.get('page_token')) || 0
    const all = apps.all()
    const more = from + size < all.length ? { next_page_token: String(from + size) } : {}
    return ok({ apps: all.slice(from, from + size), ...more })
  }

  const update = (call: Call) =>
    withApp(call, ({ integration_id }) =>
      withBody((_call, body) => {
        const change = changeOf(body)
        if (typeof change === 'string') return invalidParameter(call, change)
        if ('name' in body || 'confidential' in body) {
          return invalidParameter(call, 'name and confidential cannot be changed')
        }
        apps.update(integration_id, change)
        return ok({})
      })(call)
    )

  const root = '/api/2\\.0/accounts/(?<account>[^/]+)/oauth2/custom-app-integrations'
  const one = new RegExp(`^${root}/(?<id>[^/]+)$`)
  const all = new RegExp(`^${root}$`)
  const route = (method: string, pattern: RegExp, then: (call: Call) => Answer): Route => ({
    method,
    pattern,
    scope: 'authentication',
    handle: forAdmin(then)
  })
  return [
    ...federationRoutes(deps, accountId, federationPolicies, forAdmin),
    route('POST', all, create),
    route('GET', all, list),
    route('GET', one, (call) => withApp(call, ok)),
    route('PATCH', one, update),
    route('DELETE', one, (call) =>
      withApp(call, ({ integration_id }) => {
        apps.remove(integration_id)
        return ok({})
      })
    )
  ]
}

/** What a body asks for; a text says what is wrong with it. */
function changeOf(body: Record<string, unknown>): IntegrationChange | string {
  const { redirect_urls, scopes, token_access_policy: policy } = body
  if (!isTexts(redirect_urls) || !isTexts(scopes)) return 'redirect_urls and scopes are lists'
  const unknown = scopes?.find((scope) => !allowedScopes.includes(scope))
  if (unknown !== undefined) return `Invalid scope ${unknown}`
  if (policy !== undefined && !isObject(policy)) return 'token_access_policy is an object'
  for (const [name, [least, most]] of Object.entries(policyMinutes)) {
    const value = policy?.[name]
    if (value === undefined) continue
    if (typeof value !== 'number' || value < least || value > most) return `Invalid ${name}`
  }
  return {
    ...(redirect_urls === undefined ? {} : { redirect_urls }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(policy === undefined ? {} : { token_access_policy: policy })
  }
}

function isTexts(value: unknown): value is string[] | undefined {
  return (
    value === undefined || (Array.isArray(value) && value.every((one) => typeof one === 'string'))
  )
}
