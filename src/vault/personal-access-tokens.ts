import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { TokenSet } from '../oauth/token-answer.ts'
import { findGrantToken, type GrantRow, lockGrant, updateGrant } from '../store/grants.ts'
import { announce } from './grant-announcements.ts'
import type { RefreshDeps } from './refresh-deps.ts'

/** Of a token whose end nobody told. */
export const neverExpires = new Date('9999-12-31T00:00:00Z')

/** A provider's personal access token as a grant keeps it: never refreshed, good until it ends or is refused. */
export function personalTokenSet(token: Secret, expiresAt: Date | null, now: Date): TokenSet {
  return {
    accessToken: token,
    accessExpiresAt: expiresAt ?? neverExpires,
    accessIssuedAt: now,
    refreshToken: null,
    scope: null
  }
}

/**
 * The workspace refused the token of this generation: there is no other until its person gives one.
 * @throws AppError `sign_in_needed`, unless they have done so meanwhile
 */
export async function endPersonalToken(
  deps: RefreshDeps,
  scope: TenantScope,
  { id }: GrantRow,
  generation: number
): Promise<'moved'> {
  const { db, audit, clock } = deps
  const isOver = await db.inTenant(scope, async (tx) => {
    const standing = await lockGrant(tx, id)
    if ((await findGrantToken(tx, id))?.generation !== generation) return false
    const cause = 'personal_access_token_refused'
    await updateGrant(tx, id, { state: 'needs_sign_in', cause, since: clock.now() })
    await audit.append(tx, {
      action: 'grant.refresh',
      object: ['grant', id],
      outcome: 'failed',
      code: 'sign_in_needed',
      details: { state: 'needs_sign_in', cause }
    })
    const error = new AppError('sign_in_needed')
    if (standing !== null)
      await announce(deps, tx, standing, { state: 'needs_sign_in', cause, error })
    return true
  })
  if (isOver) throw new AppError('sign_in_needed')
  return 'moved'
}
