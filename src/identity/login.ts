import { plusMs } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { disclose, hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import { listGroupMappings } from '../store/group-mappings.ts'
import { deleteLoginAttemptsBefore, insertLoginAttempt } from '../store/login-attempts.ts'
import {
  attemptLifeMs,
  codeVerifierPlace,
  type LoginDeps,
  loginTarget,
  opaqueToken
} from './login-attempt.ts'
import { createLoginCallback, type LoggedIn, type LoginCallback } from './login-callback.ts'
import { choiceOf, findLoginWay, type LoginChoice, type LoginWish } from './login-choice.ts'
import { safeReturnTo } from './return-to.ts'

export interface LoginStart extends LoginWish {
  /** The one that the person came by; default: the first. */
  readonly publicUrl?: string
  /** Only ever used as a same-origin path; anything else becomes the root of the public URL. */
  readonly returnTo: string | null
  /** Value of the cookie that binds attempts to this browser, when it has one. */
  readonly browserToken: string | null
}

/** Where the browser goes on, or what the person has to choose from first. */
export type LoginStarted =
  | { readonly redirectUrl: string; readonly browserToken: string }
  | { readonly choice: LoginChoice }

export interface Login {
  /** @throws AppError `not_found`: no such tenant or it has no login provider; `upstream_unavailable`: the identity provider is away; `discovery_failed`, `host_not_allowed`: it is set up wrongly */
  start(input: LoginStart): Promise<LoginStarted>
  /** @throws AppError `attempt_expired`, `attempt_not_yours`, `forbidden` (not a member and may not join), `unauthenticated` (the identity provider's answer does not hold), and those of `start` */
  finish(input: LoginCallback): Promise<LoggedIn>
}

export function createLogin(deps: LoginDeps): Login {
  const { db, strongbox, clock, client, publicUrl, bootstrap } = deps

  async function start(input: LoginStart): Promise<LoginStarted> {
    const way = await findLoginWay(db, bootstrap.tenantSlug, input)
    const { scope, loginHint } = way
    const [provider, ...others] = way.providers
    if (others.length > 0) return { choice: choiceOf(way) }
    const mappings = await db.inTenant(scope, (tx) => listGroupMappings(tx, [provider.id]))

    const id = newId('loginAttempt', clock)
    const [state, codeVerifier] = [newOpaqueToken(), newOpaqueToken()]
    const nonce = disclose(newOpaqueToken())
    const browserToken = opaqueToken.test(input.browserToken ?? '')
      ? (input.browserToken ?? '')
      : disclose(newOpaqueToken())
    const redirectUrl = await client.authorizationUrl(
      loginTarget(input.publicUrl ?? publicUrl, provider),
      {
        state,
        nonce,
        codeVerifier,
        loginHint,
        wantsGroups: mappings.length > 0
      }
    )
    const attempt = {
      id,
      loginProviderId: provider.id,
      stateHash: hashToken(state),
      browserHash: hashToken(browserToken),
      nonce,
      codeVerifierSealed: await strongbox.seal(scope, codeVerifierPlace(id), codeVerifier),
      returnTo: safeReturnTo(input.returnTo, input.publicUrl ?? publicUrl),
      expiresAt: plusMs(clock.now(), attemptLifeMs)
    }
    await db.inTenant(scope, async (tx) => {
      await deleteLoginAttemptsBefore(tx, plusMs(clock.now(), -attemptLifeMs))
      await insertLoginAttempt(tx, attempt)
    })
    return { redirectUrl, browserToken }
  }

  return { start, finish: createLoginCallback(deps) }
}
