import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, newId } from '../base/ids.ts'
import { disclose, hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import { deleteLoginAttemptsBefore, insertLoginAttempt } from '../store/login-attempts.ts'
import { listLoginProviders } from '../store/login-providers.ts'
import { findTenantBySlug } from '../store/tenants.ts'
import { identityScope } from './identity-scope.ts'
import {
  attemptLifeMs,
  codeVerifierPlace,
  type LoginDeps,
  loginTarget,
  opaqueToken
} from './login-attempt.ts'
import { createLoginCallback, type LoggedIn, type LoginCallback } from './login-callback.ts'
import { safeReturnTo } from './return-to.ts'

export interface LoginStart {
  readonly tenantSlug: string | null
  /** Only ever used as a same-origin path; anything else becomes the root of the public URL. */
  readonly returnTo: string | null
  /** Value of the cookie that binds attempts to this browser, when it has one. */
  readonly browserToken: string | null
}

export interface Login {
  /** @throws AppError `not_found`: no such tenant or it has no login provider; `upstream_unavailable`: the identity provider is away; `discovery_failed`, `host_not_allowed`: it is set up wrongly */
  start(input: LoginStart): Promise<{ redirectUrl: string; browserToken: string }>
  /** @throws AppError `attempt_expired`, `attempt_not_yours`, `forbidden` (not a member and may not join), `unauthenticated` (the identity provider's answer does not hold), and those of `start` */
  finish(input: LoginCallback): Promise<LoggedIn>
}

const slugPattern = /^[a-z0-9-]{1,63}$/

export function createLogin(deps: LoginDeps): Login {
  const { db, strongbox, clock, client, publicUrl, bootstrap } = deps

  async function start(input: LoginStart): Promise<{ redirectUrl: string; browserToken: string }> {
    const slug = input.tenantSlug ?? bootstrap.tenantSlug
    const tenant = slugPattern.test(slug) ? await findTenantBySlug(db, slug) : null
    if (tenant?.status !== 'active') throw new AppError('not_found')
    const scope = identityScope(asId('tenant', tenant.id), null)
    const [provider] = await db.inTenant(scope, listLoginProviders)
    if (provider === undefined) throw new AppError('not_found')

    const id = newId('loginAttempt', clock)
    const [state, codeVerifier] = [newOpaqueToken(), newOpaqueToken()]
    const nonce = disclose(newOpaqueToken())
    const browserToken = opaqueToken.test(input.browserToken ?? '')
      ? (input.browserToken ?? '')
      : disclose(newOpaqueToken())
    const redirectUrl = await client.authorizationUrl(loginTarget(publicUrl, provider), {
      state,
      nonce,
      codeVerifier
    })
    const attempt = {
      id,
      loginProviderId: provider.id,
      stateHash: hashToken(state),
      browserHash: hashToken(browserToken),
      nonce,
      codeVerifierSealed: await strongbox.seal(scope, codeVerifierPlace(id), codeVerifier),
      returnTo: safeReturnTo(input.returnTo, publicUrl),
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
