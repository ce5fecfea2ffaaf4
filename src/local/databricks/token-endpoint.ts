/**
 * Databricks' manners at the token endpoint, laid around oidc-provider's own as Koa middleware.
 * Owns: error words, the token faults. May touch: request and answer of `/v1/token`.
 * Never: issues a token itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isObject } from '../simulation/exchange.ts'
import type { FaultBoard, Faults } from '../simulation/faults.ts'
import { breakSignature } from '../simulation/id-token.ts'
import type { LogEntry } from '../simulation/recorder.ts'
import type { TokenStore } from '../simulation/token-store.ts'
import { detailsRefused, grantedDetails } from './data-plane-tokens.ts'
import type { Form, TokenExchange } from './token-exchange.ts'

export interface TokenEndpointDeps {
  readonly provider: Provider
  readonly store: TokenStore
  readonly faults: FaultBoard
  /** What is known of a request under way. */
  readonly exchangeOf: (req: IncomingMessage) => TokenExchange | undefined
  readonly cut: (res: ServerResponse) => void
}

export function layManners(deps: TokenEndpointDeps): void {
  const { provider, faults } = deps
  let last: Promise<unknown> = Promise.resolve()
  provider.use(async (plain, next) => {
    if (plain.path !== '/v1/token' || plain.method !== 'POST') return next()
    const ctx = plain as KoaContextWithOIDC // what the route makes of it by the time next() is done
    const { tokenStatus } = faults.current
    if (tokenStatus !== null && tokenStatus >= 300) {
      refuse(ctx, faults.current, tokenStatus)
      return undefined
    }
    // one at a time, so that two that spend the same refresh token cannot both pass
    const turn = last.then(next)
    last = turn.catch(() => undefined)
    await turn
    note(ctx, deps)
    if (ctx.oidc !== undefined) translate(ctx)
    refuseDetails(ctx, deps)
    const { tokenDelayMs } = faults.current
    if (tokenDelayMs > 0) await pause(tokenDelayMs)
    spoil(ctx, deps)
    return undefined
  })
}

/** Reads a form's public members into the log entry; secrets stay out. */
export function noteForm(entry: LogEntry, form: Form, store: TokenStore): void {
  entry.grantType = form.grantType || null
  entry.clientId = form.clientId || null
  if (form.refreshToken === null) return
  const spent = store.peek('RefreshToken', form.refreshToken)
  entry.familyId = spent?.grantId ?? null
  entry.principal = spent?.accountId ?? null
}

export function readForm(req: IncomingMessage, body: Buffer): Form {
  const params = new URLSearchParams(body.toString('utf8'))
  const [scheme, credentials = ''] = (req.headers.authorization ?? '').split(' ')
  const basic =
    scheme?.toLowerCase() === 'basic' ? Buffer.from(credentials, 'base64').toString() : ''
  return {
    grantType: params.get('grant_type') ?? '',
    clientId: params.get('client_id') ?? decodeURIComponent(basic.split(':')[0] ?? ''),
    refreshToken: params.get('refresh_token'),
    authorizationDetails: params.get('authorization_details'),
    assertion: params.get('assertion'),
    subjectToken: params.get('subject_token'),
    subjectTokenType: params.get('subject_token_type'),
    scope: params.get('scope')
  }
}

function refuse(ctx: KoaContextWithOIDC, faults: Faults, status: number): void {
  ctx.status = status
  if (faults.tokenRetryAfterSeconds !== null) {
    ctx.set('retry-after', String(faults.tokenRetryAfterSeconds))
  }
  const error =
    status === 429 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : 'invalid_request'
  ctx.type = 'application/json'
  ctx.body = faults.tokenBody ?? { error, error_description: 'The token endpoint refused.' }
}

/** `authorization_details` count for client credentials only; elsewhere they are ignored. */
function refuseDetails(ctx: KoaContextWithOIDC, { exchangeOf }: TokenEndpointDeps): void {
  const form = exchangeOf(ctx.req)?.form
  if (form?.grantType !== 'client_credentials' || form.authorizationDetails === null) return
  if (ctx.status !== 200 || grantedDetails(form.authorizationDetails)) return
  ctx.status = 400
  ctx.type = 'application/json'
  ctx.body = detailsRefused
}

function note(ctx: KoaContextWithOIDC, { exchangeOf, store }: TokenEndpointDeps): void {
  const entry = exchangeOf(ctx.req)?.entry
  const entities = ctx.oidc?.entities
  if (!entry || !entities) return
  const token = entities.AccessToken ?? entities.ClientCredentials
  entry.tokenId = token?.jti ?? null
  entry.familyId = entities.AccessToken?.grantId ?? entry.familyId
  entry.principal =
    entities.AccessToken?.accountId ?? entities.ClientCredentials?.clientId ?? entry.principal
  store.save()
}

type Refusal = readonly [status: number, error: string, description: string]

/** From RFC 6749's words to those that Databricks uses, which clients match on. */
function translate(ctx: KoaContextWithOIDC): void {
  const { body } = ctx
  if (!isObject(body)) return
  const params = ctx.oidc?.params ?? {}
  const error = lacksScope(body, params) ? 'invalid_scope' : body.error
  const refusal = inDatabricksWords(error, params)
  if (!refusal) return
  const [status, word, description] = refusal
  ctx.status = status
  ctx.type = 'application/json'
  ctx.body = { error: word, error_description: description }
}

/** oidc-provider leaves out what a service principal's secret does not carry; Databricks refuses. */
function lacksScope(body: Record<string, unknown>, params: Record<string, unknown>): boolean {
  if (params.grant_type !== 'client_credentials' || body.error !== undefined) return false
  const granted = String(body.scope ?? '').split(' ')
  const asked = String(params.scope ?? '').split(' ')
  return asked.some((scope) => !granted.includes(scope))
}

function inDatabricksWords(error: unknown, params: Record<string, unknown>): Refusal | undefined {
  switch (error) {
    case 'invalid_client':
      return [401, 'invalid_client', 'Client authentication failed']
    case 'invalid_grant':
      return params.grant_type === 'refresh_token'
        ? [400, 'invalid_request', 'Refresh token is invalid']
        : [400, 'invalid_grant', 'Authorization code is invalid or expired']
    case 'invalid_scope':
      return [400, 'access_denied', `Scopes '${params.scope}' are not assigned to the client`]
    default:
      return undefined
  }
}

function spoil(ctx: KoaContextWithOIDC, { faults, cut }: TokenEndpointDeps): void {
  const { tokenBody, tokenOmit, tokenStatus, dropTokenAnswer, idTokenSignature } = faults.current
  if (dropTokenAnswer) {
    cut(ctx.res)
    ctx.respond = false
    ctx.res.destroy()
    return
  }
  if (isObject(ctx.body) && ctx.status === 200) {
    const members = Object.entries(ctx.body).filter(([name]) => !tokenOmit.includes(name))
    const answer: Record<string, unknown> = Object.fromEntries(members)
    if (idTokenSignature === 'bad' && typeof answer.id_token === 'string') {
      answer.id_token = breakSignature(answer.id_token)
    }
    if (faults.current.tokenExpiresInText && 'expires_in' in answer) {
      answer.expires_in = String(answer.expires_in)
    }
    ctx.body = answer
  }
  if (tokenBody !== null) {
    ctx.body = tokenBody
    ctx.type = 'application/json'
  }
  if (tokenStatus !== null) ctx.status = tokenStatus
}
