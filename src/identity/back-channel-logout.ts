import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, type LoginProviderId } from '../base/ids.ts'
import { hashToken } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { findLoginProvider, findTenantOfLoginProvider } from '../store/login-providers.ts'
import { isLogoutTokenUsed, noteLogoutToken } from '../store/logout-tokens.ts'
import { listSessionsOfProvider, type SessionRow } from '../store/sessions.ts'
import { identityScope } from './identity-scope.ts'
import { loginTarget } from './login-attempt.ts'
import type { LoginClient } from './login-client.ts'
import { type LogoutClaims, logoutTokenAgeMaxSeconds } from './logout-token.ts'
import { endSession, providerSessionHash, providerSubjectHash } from './session-life.ts'
import { createTokenThrottle } from './token-throttle.ts'

export interface BackChannelLogout {
  readonly loginProviderId: LoginProviderId
  readonly logoutToken: string
  readonly requestId: string
  /** The address that it comes from. */
  readonly source?: string | null
}

/** Longer than a logout token can be obeyed. */
const rememberedMs = 2 * logoutTokenAgeMaxSeconds * 1000

/**
 * The identity provider says that a session there, or everything of a person, is over: then it is over here
 * too, in whatever tenant the session is by now. A token is obeyed once; one that is cut short may come again.
 * @throws AppError `invalid_request`: the token does not hold or was obeyed before; `not_found`; `rate_limited`:
 *   too many from this source did not hold; and what keeps its signing keys from being read
 */
export function createBackChannelLogout(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly client: Pick<LoginClient, 'readLogoutToken'>
  readonly publicUrl: string
}): (input: BackChannelLogout) => Promise<void> {
  const { db, clock, client, publicUrl } = deps
  const throttle = createTokenThrottle(clock)

  async function sessionsOf(id: string, { sid, subject }: LogoutClaims): Promise<SessionRow[]> {
    const subjectHash = subject === null ? '' : providerSubjectHash(id, subject)
    if (sid === null) return await listSessionsOfProvider(db, 'providerSubjectHash', subjectHash)
    const hash = providerSessionHash(id, sid)
    const rows = await listSessionsOfProvider(db, 'providerSessionHash', hash)
    return rows.filter((row) => subject === null || row.providerSubjectHash === subjectHash)
  }

  async function obey(input: BackChannelLogout): Promise<void> {
    const { loginProviderId: id, logoutToken, requestId, source = null } = input
    const tenantId = await findTenantOfLoginProvider(db, id)
    if (tenantId === null) throw new AppError('not_found')
    const scope = identityScope(asId('tenant', tenantId), requestId, { source })
    const provider = await db.inTenant(scope, (tx) => findLoginProvider(tx, id))
    if (provider === null) throw new AppError('not_found')
    const claims = await client.readLogoutToken(loginTarget(publicUrl, provider), logoutToken)
    const used = { loginProviderId: id, jtiHash: hashToken(claims.jti) }
    if (await db.inTenant(scope, (tx) => isLogoutTokenUsed(tx, used))) {
      throw new AppError('invalid_request', { detail: 'This logout token was obeyed before' })
    }
    for (const row of await sessionsOf(id, claims)) {
      await endSession(deps, row, 'back_channel', { requestId, source })
    }
    const expiresAt = plusMs(clock.now(), rememberedMs)
    await db.inTenant(scope, (tx) => noteLogoutToken(tx, { ...used, expiresAt }))
  }

  return async (input) => {
    const from = input.source ?? 'unknown'
    // Providers that many share send from the same addresses: who was right here is not made to wait for others.
    const proof = `${input.loginProviderId} ${from}`
    throttle.admit(from, proof)
    try {
      await obey(input)
      throttle.noteProven(proof)
    } catch (error) {
      if (error instanceof AppError && error.owner === 'caller') throttle.noteFailure(from)
      throw error
    }
  }
}
