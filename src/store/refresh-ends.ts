import type { Tx } from './db.ts'
import { Prisma } from './generated/client.ts'
import type { GrantStatus, GrantTokens } from './grants.ts'
import type { RefreshOutcome } from './refresh-journal.ts'
import { hastenTurn, type NextLook, schedulingOf } from './refresh-schedule.ts'

/** How a refresh ends, by whoever claimed its generation. */
export interface RefreshEnd {
  readonly claim: { readonly grantId: string; readonly generation: number; readonly owner: string }
  readonly entryId: string
  /** Of the next generation; null: there is none, and the claim is let go of. */
  readonly tokens: GrantTokens | null
  readonly outcome: RefreshOutcome
  readonly status: GrantStatus
  /** Null: nobody looks at it again by the clock. */
  readonly look: NextLook | null
  /** Of the app connection that the provider took; null: there is none, or it did not. */
  readonly soundAppConnectionId: string | null
  /** The client secret that the provider took. */
  readonly takenSecretId: string | null
  readonly now: Date
}

/**
 * Writes all that a refresh changes in one statement, in the name of the owner of the claim and nobody else. The
 * journal's entry is closed either way; the raw answer has served and goes.
 * @returns false when the row has moved on
 */
export async function endRefresh(tx: Tx, end: RefreshEnd): Promise<boolean> {
  const { tenantId } = tx.scope
  const { claim, entryId, tokens, outcome, status, look, now } = end
  const isHeld = Prisma.sql`EXISTS (SELECT FROM held)`
  const scheduling = look === null ? Prisma.empty : Prisma.sql`, ${schedulingOf(tx, look, isHeld)}`
  const [ended] = await tx.rows.$queryRaw<{ isHeld: boolean; isTurnLate: boolean }[]>`
    WITH held AS (
      UPDATE grant_tokens SET ${tokens === null ? Prisma.empty : settingOf(claim.generation, tokens)}
             claim_owner = NULL, claim_expires_at = NULL
       WHERE tenant_id = ${tenantId} AND grant_id = ${claim.grantId}
         AND generation = ${claim.generation} AND claim_owner = ${claim.owner}
      RETURNING 1),
    closed AS (
      UPDATE refresh_journal SET answer_sealed = NULL, finished_at = ${now},
             outcome = CASE WHEN ${isHeld} THEN ${outcome} ELSE 'superseded' END
       WHERE tenant_id = ${tenantId} AND id = ${entryId} AND outcome IS NULL),
    standing AS (
      UPDATE grants SET state = ${status.state}, cause = ${status.cause}, since = ${status.since},
             next_try_at = ${status.nextTryAt}, failures = ${status.failures}
       WHERE tenant_id = ${tenantId} AND id = ${claim.grantId} AND ${isHeld}),
    sound AS (
      UPDATE app_connections SET fault_code = NULL, fault_next_try_at = NULL, fault_count = 0
       WHERE tenant_id = ${tenantId} AND id = ${end.soundAppConnectionId} AND fault_code IS NOT NULL AND ${isHeld}),
    used AS (
      UPDATE client_secrets SET last_used_at = ${now} WHERE tenant_id = ${tenantId} AND id = ${end.takenSecretId})
    ${scheduling}
    SELECT ${isHeld} AS "isHeld", EXISTS (
      SELECT FROM refresh_turns WHERE id = ${tenantId} AND due_at > ${look?.dueAt ?? null}) AS "isTurnLate"`
  if (ended?.isHeld !== true) return false
  if (look !== null && ended.isTurnLate) await hastenTurn(tx, look)
  return true
}

function settingOf(generation: number, tokens: GrantTokens): Prisma.Sql {
  return Prisma.sql`refresh_token_sealed = ${tokens.refreshTokenSealed},
    refresh_issued_at = ${tokens.refreshIssuedAt}, access_token_sealed = ${tokens.accessTokenSealed},
    access_expires_at = ${tokens.accessExpiresAt}, access_issued_at = ${tokens.accessIssuedAt},
    scope = ${tokens.scope}, generation = ${generation + 1},`
}
