import { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { redeemCode, redirectUriOf } from '../oauth/authorization-code.ts'
import { revokeRefreshToken } from '../oauth/revocation.ts'
import { readTokenAnswer, type TokenSet } from '../oauth/token-answer.ts'
import type { TokenEndpoint } from '../oauth/token-endpoint.ts'
import type { ProviderIdentity } from '../providers/provider.ts'
import { providers } from '../providers/registry.ts'
import { type AppConnectionRow, findAppConnection } from '../store/app-connections.ts'
import type { SignInAttemptRow } from '../store/sign-in-attempts.ts'
import { findUser } from '../store/users.ts'
import { appConnectionCredentials, refuseHost } from '../vault/credentials.ts'
import type { WorkspaceUser } from '../vault/grant-status.ts'
import type { Place } from '../vault/strongbox.ts'
import { setbackOf } from '../vault/token-state.ts'
import type { FabricDeps } from './fabric-deps.ts'
import type { SignInAttemptView } from './fabrics.ts'
import { askIdentity } from './workspace-calls.ts'

/** What is learnt on the way, whether it ends well or not. */
export interface Learnt {
  workspaceUser: ProviderIdentity | null
  mismatch: SignInAttemptView['mismatch']
  expectedUserName: string | null
}

interface Callback {
  readonly query: string
  readonly state: string
}

export const verifierPlace = (id: string): Place => ['sign_in_attempts', id, 'code_verifier']

/** From the code of a callback to the grant that is kept of it. */
export function createRedemption(deps: FabricDeps) {
  const { db, clock, strongbox, vault, servers, publicUrl } = deps
  const provider = providers.databricks

  async function redeem(
    scope: TenantScope,
    attempt: SignInAttemptRow,
    connection: AppConnectionRow,
    input: Callback
  ): Promise<{ readonly tokens: TokenSet; readonly endpoint: TokenEndpoint }> {
    const { workspaceOrigin } = attempt
    const sealed = attempt.codeVerifierSealed
    const codeVerifier = await strongbox.open(scope, verifierPlace(attempt.id), sealed)
    const { candidates } = await appConnectionCredentials(deps, scope, connection)
    const server = await servers.discover(provider, workspaceOrigin)
    for (const [index, { client, noteUse }] of candidates.entries()) {
      const endpoint = { provider, workspaceOrigin, server, client }
      const answer = await redeemCode(deps.exchange, {
        endpoint,
        redirectUri: attempt.redirectUri ?? redirectUriOf(publicUrl, connection.id),
        query: input.query,
        state: new Secret(input.state),
        codeVerifier
      })
      const verdict = readTokenAnswer(provider, answer)
      if (verdict.kind === 'granted') {
        await noteUse(clock.now()).catch(() => undefined)
        return { tokens: mustLast(verdict.tokens), endpoint }
      }
      const isRefused = verdict.failure.kind === 'client_refused'
      if (isRefused && index < candidates.length - 1) continue
      if (verdict.failure.kind === 'dead_grant') {
        throw new AppError('attempt_expired', { detail: 'The workspace refused the code' })
      }
      throw setbackOf('user', verdict.failure, { now: clock.now(), failures: 0, jitter: 0 }).error
    }
    throw new AppError('app_connection_missing')
  }

  /** Keeps what was redeemed as the person's, unless the connection stands for somebody else. */
  async function keep(
    scope: TenantScope,
    attempt: SignInAttemptRow,
    { tokens, endpoint }: Awaited<ReturnType<typeof redeem>>,
    learnt: Learnt
  ): Promise<void> {
    const { userId, workspaceOrigin, appConnectionId, maySwitchUser } = attempt
    const key = { userId, workspaceOrigin, appConnectionId }
    const before = (await vault.userGrant(scope, key))?.workspaceUser ?? null
    const identity = await askIdentity(deps, {
      provider,
      workspaceOrigin,
      bearer: tokens.accessToken
    })
    learnt.workspaceUser = identity
    const isAnother = before !== null && before.id !== identity.id
    if (isAnother && !maySwitchUser) {
      learnt.mismatch = 'another_user'
      learnt.expectedUserName = before.userName
    }
    const event = signInEvent(attempt, identity, isAnother ? before : null)
    const signIn = { tokens, workspaceUser: identity, maySwitchUser, event }
    try {
      await vault.keepSignIn(scope, key, signIn)
    } catch (error) {
      const { refreshToken } = tokens
      // Nobody holds it any more; where the provider can, it forgets it too.
      if (refreshToken !== null)
        await revokeRefreshToken(deps, endpoint, refreshToken).catch(() => undefined)
      throw error
    }
    if (before?.id === identity.id) return
    const person = await db.inTenant(scope, (tx) => findUser(tx, userId))
    const isSame = person?.email?.toLowerCase() === identity.userName.toLowerCase()
    if (person === null || isSame) return
    learnt.mismatch = 'another_email'
    learnt.expectedUserName = person.email
  }

  /** @param learnt is filled in on the way */
  return async function complete(
    scope: TenantScope,
    attempt: SignInAttemptRow,
    input: Callback,
    learnt: Learnt
  ): Promise<void> {
    const { workspaceOrigin, appConnectionId } = attempt
    const connection = await db.inTenant(scope, (tx) => findAppConnection(tx, appConnectionId))
    if (connection === null) throw new AppError('app_connection_missing')
    refuseHost(connection, workspaceOrigin)
    await keep(scope, attempt, await redeem(scope, attempt, connection, input), learnt)
  }
}

/** Without a refresh token everybody would be asked again within the hour. */
function mustLast(tokens: TokenSet): TokenSet {
  if (tokens.refreshToken !== null) return tokens
  throw new AppError('scope_missing', {
    detail: 'The workspace gave no refresh token: the app connection must be granted offline_access'
  })
}

function signInEvent(
  attempt: SignInAttemptRow,
  identity: ProviderIdentity,
  before: WorkspaceUser | null
) {
  return {
    action: 'sign_in_attempt.finish' as const,
    fabricId: asId('fabric', attempt.fabricId),
    details: {
      attemptId: attempt.id,
      workspaceUser: identity.userName,
      ...(before !== null && { workspaceUserBefore: before.userName })
    }
  }
}
