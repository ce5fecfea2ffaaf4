import type { Tx } from './db.ts'
import type { LoginProvider } from './generated/client.ts'

export type LoginProviderRow = LoginProvider

export async function insertLoginProvider(
  tx: Tx,
  row: Omit<LoginProviderRow, 'tenantId'>
): Promise<void> {
  await tx.rows.loginProvider.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findLoginProvider(tx: Tx, id: string): Promise<LoginProviderRow | null> {
  return tx.rows.loginProvider.findFirst({ where: { tenantId: tx.scope.tenantId, id } })
}

/** Oldest first. */
export function listLoginProviders(tx: Tx): Promise<LoginProviderRow[]> {
  return tx.rows.loginProvider.findMany({
    where: { tenantId: tx.scope.tenantId },
    orderBy: { id: 'asc' }
  })
}

export async function updateLoginProvider(
  tx: Tx,
  id: string,
  patch: Partial<
    Pick<LoginProviderRow, 'issuer' | 'clientId' | 'clientSecretSealed' | 'emailDomains'>
  >
): Promise<void> {
  await tx.rows.loginProvider.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: patch
  })
}
