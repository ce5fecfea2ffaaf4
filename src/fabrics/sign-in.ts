import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, newId } from '../base/ids.ts'
import { hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import { authorizationUrl, newCodeVerifier, redirectUriOf } from '../oauth/authorization-code.ts'
import { providers } from '../providers/registry.ts'
import type { FabricRow } from '../store/fabrics.ts'
import {
  findSignInAttempt,
  findSignInAttemptByState,
  finishSignInAttempt,
  insertSignInAttempt,
  type SignInEnd,
  useSignInAttempt
} from '../store/sign-in-attempts.ts'
import { mustHaveConnection } from './fabric-access.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import type { Fabrics } from './fabrics.ts'
import { refusalEvent, strangenessOf, viewAttempt } from './sign-in-attempt.ts'
import { SignInFault } from './sign-in-fault.ts'
import { signInPathOf } from './sign-in-path.ts'
import { createRedemption, type Learnt, verifierPlace } from './sign-in-redemption.ts'

type SignIn = Pick<Fabrics, 'startSignIn' | 'finishSignIn' | 'signInAttempt'>

const attemptLifeMs = 10 * 60_000

/** A person's sign-in at the workspace: authorization code with PKCE, bound to the session that began it. */
export function createSignIn(deps: FabricDeps): SignIn {
  const { db, audit, clock, strongbox, servers, publicUrl } = deps
  const provider = providers.databricks
  const complete = createRedemption(deps)

  return {
    async startSignIn(scope, id, { sessionId, returnTo, ...options }) {
      const { row, connection } = await db.inTenant(scope, async (tx) => {
        const found = await mustFindFabric(tx, id, 'fabric.sign_in')
        if (found.authMethod === 'pat') throw takesToken(found)
        return { row: found, connection: await mustHaveConnection(tx, found) }
      })
      const server = await servers.discover(provider, row.workspaceOrigin)
      const attemptId = newId('signInAttempt', clock)
      const state = newOpaqueToken()
      const codeVerifier = newCodeVerifier()
      const now = clock.now()
      const expiresAt = plusMs(now, attemptLifeMs)
      const redirectUri = redirectUriOf(options.publicUrl ?? publicUrl, connection.id)
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
        display: options.display ?? 'page',
        maySwitchUser: options.switchUser ?? false,
        redirectUri,
        createdAt: now,
        expiresAt
      }
      await db.inTenant(scope, async (tx) => {
        await insertSignInAttempt(tx, attempt)
        const object = ['sign_in_attempt', attemptId] as const
        await audit.append(tx, { action: 'fabric.sign_in', object, fabricId: id })
      })
      return {
        attemptId,
        expiresAt,
        authorizationUrl: await authorizationUrl({
          server,
          clientId: connection.clientId ?? '',
          redirectUri,
          scopes: connection.scopes,
          state,
          codeVerifier,
          prompt: options.asksWho === true ? provider.oauth.promptForAnotherUser : null
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
      const learnt: Learnt = { workspaceUser: null, mismatch: null, expectedUserName: null }
      const fault = await complete(scope, attempt, { query, state }, learnt).then(
        () => null,
        (error: unknown) => (error instanceof AppError ? error : unexpected)
      )
      const end: SignInEnd = {
        status: fault === null ? 'succeeded' : 'failed',
        code: fault?.code ?? null,
        detail: fault?.detail ?? null,
        workspaceUserName: learnt.workspaceUser?.userName ?? null,
        workspaceUserId: learnt.workspaceUser?.id ?? null,
        mismatch: learnt.mismatch,
        expectedUserName: learnt.expectedUserName,
        finishedAt: clock.now()
      }
      await db.inTenant(scope, async (tx) => {
        await finishSignInAttempt(tx, attempt.id, end)
        if (fault === null) return
        await audit.append(tx, {
          action: 'sign_in_attempt.finish',
          object: ['sign_in_attempt', attempt.id],
          fabricId: asId('fabric', attempt.fabricId),
          outcome: 'failed',
          code: fault.code
        })
      })
      if (fault !== null) throw new SignInFault(fault, asId('signInAttempt', attempt.id))
      return viewAttempt({ ...attempt, ...end }, clock.now())
    },

    async signInAttempt(scope, id) {
      const row = await db.inTenant(scope, (tx) => findSignInAttempt(tx, id, scope.actor.id))
      if (row === null) throw new AppError('not_found')
      return viewAttempt(row, clock.now())
    }
  }
}

function takesToken(row: FabricRow): AppError {
  return new AppError('conflict', {
    detail: 'People give this fabric a personal access token of theirs',
    actionUrl: signInPathOf(row)
  })
}

const unexpected = new AppError('internal', { note: 'a sign-in failed for no known reason' })
