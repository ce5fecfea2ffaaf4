import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { asId, newId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import { hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { deleteSession, findSessionByHash, type SessionRow } from '../store/sessions.ts'
import { identityScope } from './identity-scope.ts'

/** A session ends when it was not used for this long, */
export const idleLimitMs = 12 * 3_600_000
/** and at the latest this long after its login. */
export const absoluteLimitMs = 7 * 24 * 3_600_000

export interface NewSession {
  readonly userId: string
  readonly loginProviderId: string
  readonly userAgent: string
}

const userAgentMax = 256

/** A fresh token and its row; the token is nowhere but in the browser. */
export function newSession(
  clock: Clock,
  { userId, loginProviderId, userAgent }: NewSession
): { token: Secret; row: Omit<SessionRow, 'tenantId'> } {
  const token = newOpaqueToken()
  const now = clock.now()
  const row = {
    id: newId('session', clock),
    userId,
    tokenHash: hashToken(token),
    loginProviderId,
    userAgent: userAgent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, userAgentMax),
    createdAt: now,
    lastSeenAt: now,
    idleExpiresAt: plusMs(now, idleLimitMs),
    expiresAt: plusMs(now, absoluteLimitMs)
  }
  return { token, row }
}

/** Ends the session that a browser holds, in whatever tenant it is. @returns what it was, null for none */
export async function endPresentedSession(
  { db, audit }: { readonly db: Db; readonly audit: Audit },
  sessionToken: string | null,
  reason: 'logout' | 'new_login',
  requestId: string
): Promise<SessionRow | null> {
  const row = sessionToken === null ? null : await findSessionByHash(db, hashToken(sessionToken))
  if (row === null) return null
  const actor = { kind: 'user', id: asId('user', row.userId) } as const
  await db.inTenant(identityScope(asId('tenant', row.tenantId), requestId), async (tx) => {
    if (!(await deleteSession(tx, row.id, row.userId))) return
    await audit.append(tx, {
      action: 'logout',
      object: ['session', row.id],
      actor,
      details: { reason }
    })
  })
  return row
}
