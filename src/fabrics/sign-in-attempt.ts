import { type ProblemCode, problemCatalogue } from '../base/errors.ts'
import { type AppConnectionId, asId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { SignInAttemptRow } from '../store/sign-in-attempts.ts'
import type { SignInAttemptView } from './fabrics.ts'

type Strangeness =
  | 'another_tenant'
  | 'another_person'
  | 'another_session'
  | 'another_app_connection'

/**
 * Why the attempt is not theirs to finish: only the person may, in the session that began it, at the callback
 * of the app connection it began with. Null: it is theirs.
 */
export function strangenessOf(
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
export function refusalEvent(attempt: SignInAttemptRow, reason: Strangeness) {
  return {
    action: 'sign_in_attempt.finish',
    object: ['sign_in_attempt', attempt.id],
    outcome: 'refused',
    code: 'attempt_not_yours',
    details: { reason },
    ...(reason === 'another_tenant' ? {} : { fabricId: asId('fabric', attempt.fabricId) })
  } as const
}

export function viewAttempt(row: SignInAttemptRow, now: Date): SignInAttemptView {
  const { workspaceUserName: userName, workspaceUserId } = row
  const isOpen = row.status === 'pending' || row.status === 'redeeming'
  const ended = row.status === 'succeeded' ? 'succeeded' : 'failed'
  const status = isOpen ? (row.expiresAt > now ? 'pending' : 'expired') : ended
  const code = status === 'expired' ? 'attempt_expired' : codeOf(row.code)
  return {
    id: asId('signInAttempt', row.id),
    fabricId: asId('fabric', row.fabricId),
    status,
    code,
    detail: row.detail,
    owner: code === null ? null : problemCatalogue[code].owner,
    workspaceUser:
      userName === null || workspaceUserId === null ? null : { userName, id: workspaceUserId },
    // The table's check constraint holds it to these.
    mismatch: row.mismatch as SignInAttemptView['mismatch'],
    expectedUserName: row.expectedUserName,
    display: row.display === 'popup' ? 'popup' : 'page',
    returnTo: row.returnTo,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    finishedAt: row.finishedAt
  }
}

function codeOf(code: string | null): ProblemCode | null {
  if (code === null) return null
  return Object.hasOwn(problemCatalogue, code) ? (code as ProblemCode) : 'internal'
}
