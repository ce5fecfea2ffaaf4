import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { asId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { CallOrigin } from '../base/tenant-scope.ts'
import { hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { deleteSession, findSessionByHash, type SessionRow } from '../store/sessions.ts'
import { identityScope } from './identity-scope.ts'

/** A session ends when it was not used for so long, and at the latest so long after its login. */
export interface SessionLimits {
  readonly sessionIdleMinutes: number
  readonly sessionMaxMinutes: number
}

const minuteMs = 60_000

export function idleEnd(lastSeenAt: Date, { sessionIdleMinutes }: SessionLimits): Date {
  return plusMs(lastSeenAt, sessionIdleMinutes * minuteMs)
}

function lastEnd(createdAt: Date, { sessionMaxMinutes }: SessionLimits): Date {
  return plusMs(createdAt, sessionMaxMinutes * minuteMs)
}

/** The ends of a session that comes under other limits: never later than they were. */
export function shortened(
  session: Pick<SessionRow, 'createdAt' | 'lastSeenAt' | 'expiresAt' | 'idleExpiresAt'>,
  limits: SessionLimits
): Pick<SessionRow, 'expiresAt' | 'idleExpiresAt'> {
  const earlier = (one: Date, other: Date) => (one < other ? one : other)
  return {
    expiresAt: earlier(session.expiresAt, lastEnd(session.createdAt, limits)),
    idleExpiresAt: earlier(session.idleExpiresAt, idleEnd(session.lastSeenAt, limits))
  }
}

export interface NewSession {
  readonly id: string
  readonly userId: string
  readonly loginProviderId: string
  readonly userAgent: string
  readonly providerSessionHash: string | null
  readonly providerSubjectHash: string | null
  readonly idTokenSealed: string | null
}

const userAgentMax = 256

/** What a provider's logout finds its sessions by. */
export function providerSessionHash(loginProviderId: string, sid: string): string {
  return hashToken(JSON.stringify([loginProviderId, 'sid', sid]))
}

export function providerSubjectHash(loginProviderId: string, subject: string): string {
  return hashToken(JSON.stringify([loginProviderId, 'sub', subject]))
}

/** A fresh token and its row; the token is nowhere but in the browser. */
export function newSession(
  clock: Clock,
  limits: SessionLimits,
  session: NewSession
): { token: Secret; row: Omit<SessionRow, 'tenantId'> } {
  const token = newOpaqueToken()
  const now = clock.now()
  const row = {
    id: session.id,
    userId: session.userId,
    tokenHash: hashToken(token),
    loginProviderId: session.loginProviderId,
    userAgent: session.userAgent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, userAgentMax),
    createdAt: now,
    lastSeenAt: now,
    idleExpiresAt: idleEnd(now, limits),
    expiresAt: lastEnd(now, limits),
    providerSessionHash: session.providerSessionHash,
    providerSubjectHash: session.providerSubjectHash,
    idTokenSealed: session.idTokenSealed
  }
  return { token, row }
}

/** The request that ends a session. */
export type SessionCall = Pick<CallOrigin, 'requestId' | 'source'>

/** Ends the session that a browser holds, in whatever tenant it is. @returns what it was, null for none */
export async function endPresentedSession(
  { db, audit }: { readonly db: Db; readonly audit: Audit },
  sessionToken: string | null,
  reason: 'logout' | 'new_login',
  call: SessionCall
): Promise<SessionRow | null> {
  const row = sessionToken === null ? null : await findSessionByHash(db, hashToken(sessionToken))
  if (row !== null) await endSession({ db, audit }, row, reason, call)
  return row
}

/** Ends it in whatever tenant it is; once. */
export async function endSession(
  { db, audit }: { readonly db: Db; readonly audit: Audit },
  row: SessionRow,
  reason: 'logout' | 'new_login' | 'back_channel',
  { requestId, source }: SessionCall
): Promise<void> {
  const actor = { kind: 'user', id: asId('user', row.userId) } as const
  await db.inTenant(
    identityScope(asId('tenant', row.tenantId), requestId, { source }),
    async (tx) => {
      if (!(await deleteSession(tx, row.id, row.userId))) return
      await audit.append(tx, {
        action: 'logout',
        object: ['session', row.id],
        actor,
        details: { reason }
      })
    }
  )
}
