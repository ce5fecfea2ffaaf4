import type { Tx } from './db.ts'
import type { RefreshJournal } from './generated/client.ts'

export type RefreshEntryRow = RefreshJournal
export type RefreshOutcome = 'projected' | 'refused' | 'transient' | 'superseded'

/** "About to spend this generation": written before the provider is called. */
export async function openRefreshEntry(
  tx: Tx,
  row: Pick<RefreshEntryRow, 'id' | 'grantId' | 'generation' | 'owner' | 'startedAt'>
): Promise<void> {
  await tx.rows.refreshJournal.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** The refresh that no one has finished: under way, or its owner died. */
export function findOpenRefreshEntry(tx: Tx, grantId: string): Promise<RefreshEntryRow | null> {
  return tx.rows.refreshJournal.findFirst({
    where: { tenantId: tx.scope.tenantId, grantId, outcome: null }
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

/** Closes the entry; the raw answer has served and goes. */
export async function closeRefreshEntry(
  tx: Tx,
  id: string,
  end: { outcome: RefreshOutcome; finishedAt: Date }
): Promise<void> {
  await tx.rows.refreshJournal.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: { ...end, answerSealed: null }
  })
}
