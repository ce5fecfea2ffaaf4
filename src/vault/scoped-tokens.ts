import { setNewest } from '../base/bounded-map.ts'
import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { GrantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { requestClientCredentials } from '../oauth/client-credentials.ts'
import { tradeAccessToken } from '../oauth/jwt-bearer.ts'
import { readTokenAnswer, type TokenSet, type TokenVerdict } from '../oauth/token-answer.ts'
import type { OAuthFailure } from '../providers/provider.ts'
import { findGrant, type GrantRow } from '../store/grants.ts'
import type { AccessToken, TakeAccessToken, TokenOptions } from './access-token.ts'
import { credentialsOf, providerOfGrant } from './credentials.ts'
import { createFlights } from './flights.ts'
import { keyOf } from './held-grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { kindOf } from './refresh-projection.ts'
import { askInTurn } from './secrets-in-turn.ts'
import { decide, type GrantFacts, leastLifeMs, setbackOf } from './token-state.ts'

export interface ScopedTokens {
  /**
   * An access token of this grant that opens only what `authorizationDetails` names (RFC 9396): as the service
   * principal by its client credentials, as a person by trading their own (RFC 7523). Asked for at the grant's
   * workspace alone, kept in memory until the grant moves on; one request at a time. Its generation is the
   * grant's: one that was rejected is renewed with the grant.
   * @param authorizationDetails JSON, byte for byte as it goes into the form
   * @throws AppError as `Vault.accessToken`, and `forbidden`: the identity has not these rights (RFC 9396 §5)
   */
  scopedToken(
    scope: TenantScope,
    grantId: GrantId,
    authorizationDetails: string,
    minLifeMs: number,
    options?: TokenOptions
  ): Promise<AccessToken>
  /** Resolves when every request that runs now has ended. */
  settle(): Promise<void>
}

/** What came of the last request, for as long as the grant is at the generation that it was made with. */
interface Kept {
  readonly generation: number
  readonly result:
    | { readonly tokens: TokenSet }
    | { readonly error: AppError; readonly until: Date }
}

interface Wanted {
  readonly scope: TenantScope
  readonly grantId: GrantId
  readonly authorizationDetails: string
}

const keptMax = 10_000
/** After a refusal, until the provider is asked again. */
const refusedMs = 10_000

/**
 * Tokens that open one thing only, in memory alone. Each hangs on its grant: nothing is handed out that the
 * grant itself would not give, and whatever moves the grant on – a refresh, a sign-in, a forced renewal –
 * leaves all of them behind.
 */
export function createScopedTokens(deps: RefreshDeps, accessToken: TakeAccessToken): ScopedTokens {
  const { clock, db } = deps
  const kept = new Map<string, Kept>()
  const flights = createFlights()

  async function request(wanted: Wanted, own: AccessToken): Promise<Kept> {
    const { scope, grantId } = wanted
    const grant = await db.inTenant(scope, (tx) => findGrant(tx, grantId))
    if (grant === null) throw new AppError('sign_in_needed')
    if (grant.kind === 'pat') {
      throw new AppError('forbidden', {
        detail: 'This endpoint takes no personal access token: a fabric with OAuth can ask it'
      })
    }
    let used = own
    const first = await ask(wanted, grant, used)
    let { verdict } = first
    if (first.isTraded && isAboutTheToken(verdict)) {
      const rejectedGeneration = own.generation
      used = await accessToken(scope, grantId, leastLifeMs, { rejectedGeneration })
      verdict = (await ask(wanted, grant, used)).verdict
    }
    const { generation } = used
    if (verdict.kind === 'granted') return { generation, result: { tokens: verdict.tokens } }
    return { generation, result: refusal(refusalOf(grant, verdict.failure, clock.now())) }
  }

  /** A service principal asks by its secret; what a person holds, or one without a secret, is traded for less. */
  async function ask(
    { scope, authorizationDetails }: Wanted,
    grant: GrantRow,
    { token }: AccessToken
  ): Promise<{ verdict: TokenVerdict; isTraded: boolean }> {
    const { exchange, servers } = deps
    const { workspaceOrigin } = grant
    const principal = grant.kind === 'user' ? null : await credentialsOf(deps, scope, grant)
    const provider = principal?.provider ?? (await providerOfGrant(deps, scope, grant))
    const server = await servers.discover(provider, workspaceOrigin)
    const target = { provider, workspaceOrigin, server }
    const details = authorizationDetails
    if (principal === null || principal.workload !== null) {
      const answer = await tradeAccessToken(exchange, target, token, keepNothing, details)
      return { verdict: readTokenAnswer(provider, answer), isTraded: true }
    }
    const scopes = provider.oauth.unattendedScopes
    const { verdict, secrets } = await askInTurn(principal, (client) =>
      requestClientCredentials(exchange, { ...target, client }, scopes, keepNothing, details)
    )
    const taken = principal.candidates.find(({ secretId }) => secretId === secrets?.last)
    if (secrets?.isTaken) await taken?.noteUse(deps.clock.now()).catch(() => undefined)
    return { verdict, isTraded: false }
  }

  /** One request, which runs for itself; what came of it is kept, a refusal for a while. */
  async function renew(key: string, wanted: Wanted, own: AccessToken): Promise<void> {
    const outcome = await request(wanted, own).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.owner === 'platform') throw error
      return { generation: own.generation, result: refusal(error) }
    })
    setNewest(kept, key, outcome, keptMax)
  }

  function refusal(error: AppError): Kept['result'] {
    const now = clock.now()
    const { retryAt } = error
    return {
      error,
      until: retryAt !== undefined && retryAt > now ? retryAt : plusMs(now, refusedMs)
    }
  }

  /** @returns null: it has to be asked for */
  function serve({ generation, result }: Kept, minLifeMs: number): TokenSet | null {
    const now = clock.now()
    if ('tokens' in result) {
      const wish = { minLifeMs, rejectedGeneration: null }
      const decision = decide(factsOf(generation, result.tokens), wish, now)
      return decision.kind === 'use' ? result.tokens : null
    }
    if (result.until > now) throw result.error
    return null
  }

  return {
    async scopedToken(scope, grantId, authorizationDetails, minLifeMs, options = {}) {
      const wanted = { scope, grantId, authorizationDetails }
      const key = `${keyOf(scope, grantId)}/${authorizationDetails}`
      let source: AccessToken['source'] = 'cached'
      for (;;) {
        const own = await accessToken(scope, grantId, leastLifeMs, options)
        const { generation } = own
        const held = kept.get(key)
        const tokens = held?.generation === generation ? serve(held, minLifeMs) : null
        if (tokens !== null) {
          const { accessToken: token, accessExpiresAt: expiresAt, scope: granted } = tokens
          return { token, grantId, expiresAt, generation, scope: granted, source }
        }
        source = 'refreshed'
        await flights.join(key, () => renew(key, wanted, own))
      }
    },
    settle: () => flights.settle()
  }
}

/** Nothing of it can be lost: a new one is asked for. */
const keepNothing = () => Promise.resolve()

/** What is presented was refused, and not what is asked for. */
function isAboutTheToken(verdict: TokenVerdict): boolean {
  if (verdict.kind === 'granted') return false
  return verdict.failure.kind === 'dead_grant' || verdict.failure.kind === 'refused'
}

/** Whoever asks, it is asked for anew and not refreshed. */
function factsOf(generation: number, tokens: TokenSet): GrantFacts {
  return {
    kind: 'service_principal',
    state: 'active',
    cause: null,
    nextTryAt: null,
    generation,
    hasRefreshToken: false,
    accessExpiresAt: tokens.accessExpiresAt,
    accessIssuedAt: tokens.accessIssuedAt,
    turn: 0
  }
}

/** The grant itself stands as it did: only this one thing is refused. */
function refusalOf(grant: GrantRow, failure: OAuthFailure, now: Date): AppError {
  if (failure.kind === 'details_refused') {
    return new AppError('forbidden', { detail: 'The workspace does not let you ask this endpoint' })
  }
  return setbackOf(kindOf(grant), failure, { now, failures: 0, jitter: 0 }).error
}
