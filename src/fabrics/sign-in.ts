import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { type AppConnectionId, asId, newId } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import {
  authorizationUrl,
  newCodeVerifier,
  redeemCode,
  redirectUriOf
} from '../oauth/authorization-code.ts'
import { readTokenAnswer, type TokenSet } from '../oauth/token-answer.ts'
import type { ProviderIdentity } from '../providers/provider.ts'
import { providers } from '../providers/registry.ts'
import { type AppConnectionRow, findAppConnection } from '../store/app-connections.ts'
import {
  findSignInAttempt,
  findSignInAttemptByState,
  finishSignInAttempt,
  insertSignInAttempt,
  type SignInAttemptRow,
  useSignInAttempt
} from '../store/sign-in-attempts.ts'
import { appConnectionCredentials, refuseHost } from '../vault/credentials.ts'
import type { Place } from '../vault/strongbox.ts'
import { setbackOf } from '../vault/token-state.ts'
import { mustHaveConnection } from './fabric-access.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import type { Fabrics, SignInAttemptView } from './fabrics.ts'
import { askIdentity } from './workspace-calls.ts'

type SignIn = Pick<Fabrics, 'startSignIn' | 'finishSignIn' | 'signInAttempt'>

const attemptLifeMs = 10 * 60_000
const verifierPlace = (id: string): Place => ['sign_in_attempts', id, 'code_verifier']

/** A person's sign-in at the workspace: authorization code with PKCE, bound to the session that began it. */
export function createSignIn(deps: FabricDeps): SignIn {
  const { db, audit, clock, strongbox, vault, servers, publicUrl } = deps
  const provider = providers.databricks

  async function redeem(
    scope: TenantScope,
    attempt: SignInAttemptRow,
    connection: AppConnectionRow,
    input: { query: string; state: string }
  ): Promise<TokenSet> {
    const { workspaceOrigin } = attempt
    const sealed = attempt.codeVerifierSealed
    const codeVerifier = await strongbox.open(scope, verifierPlace(attempt.id), sealed)
    const { candidates } = await appConnectionCredentials(deps, scope, connection)
    const server = await servers.discover(provider, workspaceOrigin)
    for (const [index, { client, noteUse }] of candidates.entries()) {
      const answer = await redeemCode(deps.exchange, {
        endpoint: { provider, workspaceOrigin, server, client },
        redirectUri: redirectUriOf(publicUrl, connection.id),
        query: input.query,
        state: new Secret(input.state),
        codeVerifier
      })
      const verdict = readTokenAnswer(provider, answer)
      if (verdict.kind === 'granted') {
        await noteUse(clock.now()).catch(() => undefined)
        return mustLast(verdict.tokens)
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

  async function complete(
    scope: TenantScope,
    attempt: SignInAttemptRow,
    input: { query: string; state: string }
  ): Promise<void> {
    const { userId, workspaceOrigin, appConnectionId } = attempt
    const connection = await db.inTenant(scope, (tx) => findAppConnection(tx, appConnectionId))
    if (connection === null) throw new AppError('app_connection_missing')
    refuseHost(connection, workspaceOrigin)
    const tokens = await redeem(scope, attempt, connection, input)
    const identity = await askIdentity(deps, {
      provider,
      workspaceOrigin,
      bearer: tokens.accessToken
    })
    await vault.keepSignIn(
      scope,
      { userId, workspaceOrigin, appConnectionId },
      {
        tokens,
        workspaceUser: identity,
        maySwitchUser: false,
        event: signInEvent(attempt, identity)
      }
    )
  }

  return {
    async startSignIn(scope, id, { sessionId, returnTo }) {
      const { row, connection } = await db.inTenant(scope, async (tx) => {
        const found = await mustFindFabric(tx, id, 'fabric.sign_in')
        return { row: found, connection: await mustHaveConnection(tx, found) }
      })
      const server = await servers.discover(provider, row.workspaceOrigin)
      const attemptId = newId('signInAttempt', clock)
      const state = newOpaqueToken()
      const codeVerifier = newCodeVerifier()
      const now = clock.now()
      const expiresAt = plusMs(now, attemptLifeMs)
      const attempt = {
        id: attemptId,
        userId: scope.actor.id as string,
        sessionId,
        fabricId: id,
        appConnectionId: connection.id,
        workspaceOrigin: row.workspaceOrigin,
        stateHash: hashToken(state),
        codeVerifierSealed: await strongbox.seal(scope, verifierPlace(attemptId), codeVerifier),
        returnTo,
        createdAt: now,
        expiresAt
      }
      await db.inTenant(scope, async (tx) => {
        await insertSignInAttempt(tx, attempt)
        const object = ['sign_in_attempt', attemptId] as const
        await audit.append(tx, { action: 'fabric.sign_in', object, fabricId: id })
      })
      const redirectUri = redirectUriOf(publicUrl, connection.id)
      const clientId = connection.clientId ?? ''
      const { scopes } = connection
      return {
        attemptId,
        expiresAt,
        authorizationUrl: await authorizationUrl({
          server,
          clientId,
          redirectUri,
          scopes,
          state,
          codeVerifier
        })
      }
    },

    async finishSignIn(scope, { appConnectionId, query, sessionId }) {
      const states = new URLSearchParams(query).getAll('state')
      const [state] = states
      if (state === undefined || states.length !== 1) throw new AppError('attempt_expired')
      const attempt = await findSignInAttemptByState(db, hashToken(state))
      if (attempt === null) throw new AppError('attempt_expired')
      const reason = strangenessOf(scope, attempt, sessionId, appConnectionId)
      if (reason !== null) {
        await audit.record(scope, [refusalEvent(attempt, reason)])
        throw new AppError('attempt_not_yours')
      }
      const isFirst = await db.inTenant(scope, (tx) =>
        useSignInAttempt(tx, attempt.id, clock.now())
      )
      if (!isFirst) throw new AppError('attempt_expired')
      const fault = await complete(scope, attempt, { query, state }).then(
        () => null,
        (error: unknown) => (error instanceof AppError ? error : unexpected)
      )
      const finishedAt = clock.now()
      await db.inTenant(scope, async (tx) => {
        const status = fault === null ? 'succeeded' : 'failed'
        const code = fault?.code ?? null
        await finishSignInAttempt(tx, attempt.id, {
          status,
          code,
          detail: fault?.detail ?? null,
          finishedAt
        })
        if (fault === null) return
        await audit.append(tx, {
          action: 'sign_in_attempt.finish',
          object: ['sign_in_attempt', attempt.id],
          fabricId: asId('fabric', attempt.fabricId),
          outcome: 'failed',
          code: fault.code
        })
      })
      if (fault !== null) throw fault
      return { attemptId: asId('signInAttempt', attempt.id), returnTo: attempt.returnTo }
    },

    async signInAttempt(scope, id) {
      const row = await db.inTenant(scope, (tx) => findSignInAttempt(tx, id, scope.actor.id))
      if (row === null) throw new AppError('not_found')
      return viewAttempt(row, clock.now())
    }
  }
}

const unexpected = new AppError('internal', { note: 'a sign-in failed for no known reason' })

type Strangeness =
  | 'another_tenant'
  | 'another_person'
  | 'another_session'
  | 'another_app_connection'

/**
 * Why the attempt is not theirs to finish: only the person may, in the session that began it, at the callback
 * of the app connection it began with. Null: it is theirs.
 */
function strangenessOf(
  scope: TenantScope,
  attempt: SignInAttemptRow,
  sessionId: string,
  appConnectionId: AppConnectionId
): Strangeness | null {
  if (attempt.tenantId !== scope.tenantId) return 'another_tenant'
  if (attempt.userId !== scope.actor.id) return 'another_person'
  if (attempt.sessionId !== sessionId) return 'another_session'
  return attempt.appConnectionId === appConnectionId ? null : 'another_app_connection'
}

/** In the record of the tenant that it was tried in; of another tenant's attempt it tells the id alone. */
function refusalEvent(attempt: SignInAttemptRow, reason: Strangeness) {
  return {
    action: 'sign_in_attempt.finish',
    object: ['sign_in_attempt', attempt.id],
    outcome: 'refused',
    code: 'attempt_not_yours',
    details: { reason },
    ...(reason === 'another_tenant' ? {} : { fabricId: asId('fabric', attempt.fabricId) })
  } as const
}

/** Without a refresh token everybody would be asked again within the hour. */
function mustLast(tokens: TokenSet): TokenSet {
  if (tokens.refreshToken !== null) return tokens
  throw new AppError('scope_missing', {
    detail: 'The workspace gave no refresh token: the app connection must be granted offline_access'
  })
}

function signInEvent(attempt: SignInAttemptRow, identity: ProviderIdentity) {
  return {
    action: 'sign_in_attempt.finish' as const,
    fabricId: asId('fabric', attempt.fabricId),
    details: { attemptId: attempt.id, workspaceUser: identity.userName }
  }
}

function viewAttempt(row: SignInAttemptRow, now: Date): SignInAttemptView {
  const isOpen = row.status === 'pending' || row.status === 'redeeming'
  const ended = row.status === 'succeeded' ? 'succeeded' : 'failed'
  const open = row.expiresAt > now ? 'pending' : 'expired'
  return {
    id: asId('signInAttempt', row.id),
    fabricId: asId('fabric', row.fabricId),
    status: isOpen ? open : ended,
    code: row.code,
    detail: row.detail,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    finishedAt: row.finishedAt
  }
}
