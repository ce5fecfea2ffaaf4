import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { AccountAnswer, AccountCall, AccountFailure } from '../providers/account.ts'
import type { OAuthFailureKind, Provider } from '../providers/provider.ts'
import { requestMachineToken } from './machine-token.ts'
import { readTokenAnswer } from './token-answer.ts'

/** A service principal of the provider's account, an account admin; used once and kept nowhere. */
export interface AccountAdmin {
  readonly clientId: string
  readonly clientSecret: Secret
}

/** The account's API, with the admin's token for as long as the session is held. */
export interface AccountSession {
  readonly origin: string
  readonly accountId: string
  /** @throws AppError of outbound */
  ask<T>(call: AccountCall<T>): Promise<AccountAnswer<T>>
  /** @throws AppError of outbound, and what the failure means */
  mustAsk<T>(call: AccountCall<T>): Promise<T>
}

/** What a session is opened with. */
export interface AccountSessionDeps {
  readonly outbound: Outbound
  readonly clock: Clock
  /** Exact origins that the operator named beside the provider's own. */
  readonly extraOrigins: readonly string[]
}

const callDeadlineMs = 20_000

/**
 * Gets a token for the account's API. The secret goes to the token endpoint on the account's own host, whose
 * place is known beforehand: no metadata is asked.
 * @throws AppError `invalid_request` that names the member at fault, `host_not_allowed`, `ip_not_allowed`,
 *   `upstream_unavailable`, and outbound's
 */
export async function openAccount(
  { outbound, clock, extraOrigins }: AccountSessionDeps,
  provider: Provider,
  input: { readonly accountHost: string; readonly accountId: string },
  admin: AccountAdmin
): Promise<AccountSession> {
  const { origin, accountId, oauthRoot } = provider.account.readAccount(input)
  if (![...provider.account.origins, ...extraOrigins].includes(origin)) {
    throw new AppError('host_not_allowed', { detail: 'This is no account console of the provider' })
  }
  const root = origin + oauthRoot
  const server = {
    issuer: root,
    authorizationEndpoint: `${root}/v1/authorize`,
    tokenEndpoint: `${root}/v1/token`,
    revocationEndpoint: `${root}/v1/revoke`,
    jwksUri: null,
    isIssuerPromised: false
  }
  const client = { ...admin, authMethod: provider.oauth.clientAuthMethod }
  const endpoint = { provider, workspaceOrigin: origin, server }
  const credentials = { kind: 'client_secret', client } as const
  const keepNothing = async () => undefined
  const deps = { outbound, clock }
  const answer = await requestMachineToken(deps, endpoint, credentials, keepNothing)
  const verdict = readTokenAnswer(provider, answer)
  if (verdict.kind === 'failed') throw tokenFault(verdict.failure.kind)
  const bearer = verdict.tokens.accessToken

  async function ask<T>(call: AccountCall<T>): Promise<AccountAnswer<T>> {
    const { status, headers, body } = await outbound.request({
      url: origin + call.path,
      rule: { kind: 'origin', origin },
      method: call.method,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      bearer,
      deadlineMs: callDeadlineMs,
      ...(call.body === null ? {} : { body: call.body })
    })
    return call.interpret(status, headers, body.toString('utf8'))
  }

  return {
    origin,
    accountId,
    ask,
    async mustAsk(call) {
      const answer = await ask(call)
      if (answer.ok) return answer.value
      throw accountFault(answer.failure)
    }
  }
}

function tokenFault(kind: OAuthFailureKind): AppError {
  switch (kind) {
    case 'oauth_not_enabled':
      return invalidRequest('/accountId', 'there is no such account at this host')
    case 'ip_not_allowed':
      return new AppError('ip_not_allowed', { detail: "The account's IP access list refuses Weft" })
    case 'client_refused':
    case 'dead_grant':
    case 'refused':
    case 'scope_missing':
      return invalidRequest(
        '/clientSecret',
        'the account refused this client ID or secret; give those of a service principal of this account'
      )
    default:
      return new AppError('upstream_unavailable', { detail: 'The account could not answer' })
  }
}

/** What a failed call means for who gave the credentials, by the members of a registration's body. */
export function accountFault(failure: AccountFailure): AppError {
  switch (failure) {
    case 'not_an_admin':
      return invalidRequest(
        '/clientId',
        'this service principal is not an account admin; in the account console, under User management, give it the role Account admin'
      )
    case 'name_taken':
      return invalidRequest('/name', 'the account has another app of this name')
    case 'input_refused':
      return invalidRequest('/scopes', 'the account refused the scopes or the token policy')
    case 'ip_not_allowed':
      return new AppError('ip_not_allowed', { detail: "The account's IP access list refuses Weft" })
    case 'gone':
      return new AppError('conflict', { detail: 'The account has no such app any more' })
    case 'not_the_api':
      return new AppError('workspace_unreachable', {
        detail: 'Something other than the account API answered'
      })
    case 'unavailable':
      return new AppError('upstream_unavailable', { detail: 'The account could not answer' })
  }
}
