import type { Question } from './asking.ts'
import type { Db, Tx } from './db.ts'
import { Prisma, type RefreshJournal } from './generated/client.ts'
import { askForTenantIds } from './tenants.ts'

export type RefreshEntryRow = RefreshJournal
/** `unknown`: sent, and no answer came. `abandoned`: its owner died before it kept an answer. */
export type RefreshOutcome =
  | 'projected'
  | 'refused'
  | 'transient'
  | 'unknown'
  | 'abandoned'
  | 'superseded'

/** "About to spend this generation": written before the provider is called. */
export async function openRefreshEntry(
  tx: Tx,
  row: Pick<RefreshEntryRow, 'id' | 'grantId' | 'generation' | 'owner' | 'startedAt'>
): Promise<void> {
  await tx.rows.refreshJournal.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** One row while the answer to a refresh that spent this generation is kept, and nobody has projected it. */
export function keptAnswerOf(grantId: string, generation: number): Question<unknown> {
  return {
    sql: Prisma.sql`SELECT 1 AS ok FROM refresh_journal
      WHERE tenant_id = weft_tenant() AND grant_id = ${grantId} AND generation = ${generation}
        AND outcome IS NULL AND answer_sealed IS NOT NULL`
  }
}

/**
 * The refresh that no one has finished, under way or its owner died, and those that spent this generation, perhaps,
 * with nobody knowing how it ended.
 */
export function listUnclearEntries(
  tx: Tx,
  grantId: string,
  generation: number
): Promise<Pick<RefreshEntryRow, 'id' | 'generation' | 'answerSealed' | 'outcome'>[]> {
  return tx.rows.refreshJournal.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      grantId,
      OR: [{ outcome: null }, { generation, outcome: { in: ['unknown', 'abandoned'] } }]
    },
    select: { id: true, generation: true, answerSealed: true, outcome: true }
  })
}

/** Keeps the provider's raw answer, sealed, before anything judges it. */
export async function answerRefreshEntry(
  tx: Tx,
  id: string,
  answer: { answerSealed: string; answeredAt: Date }
): Promise<boolean> {
  const { count } = await tx.rows.refreshJournal.updateMany({
    where: { tenantId: tx.scope.tenantId, id, outcome: null },
    data: answer
  })
  return count === 1
}

/** Closes the entry, unless it is closed; the raw answer has served and goes. */
export async function closeRefreshEntry(
  tx: Tx,
  id: string,
  end: { outcome: RefreshOutcome; finishedAt: Date }
): Promise<void> {
  await tx.rows.refreshJournal.updateMany({
    where: { tenantId: tx.scope.tenantId, id, outcome: null },
    data: { ...end, answerSealed: null }
  })
}

/** Tenants that have such a grant as `listAbandonedGrants` tells, of all of them at once. */
export async function listTenantsWithAbandonedGrants(db: Db): Promise<string[]> {
  return await askForTenantIds(
    db,
    Prisma.sql`SELECT id FROM weft_tenants_with_abandoned_refreshes()`
  )
}

/** Grants with a refresh that nobody will finish: its entry is open and its claim has run out. */
export async function listAbandonedGrants(
  tx: Tx
): Promise<{ grantId: string; generation: number }[]> {
  return await tx.rows.$queryRaw<{ grantId: string; generation: number }[]>`
    SELECT t.grant_id AS "grantId", t.generation
      FROM refresh_journal j JOIN grant_tokens t USING (tenant_id, grant_id)
     WHERE j.tenant_id = ${tx.scope.tenantId} AND j.outcome IS NULL
       AND (t.claim_expires_at IS NULL OR t.claim_expires_at < now())
     ORDER BY j.started_at LIMIT 1000`
}
