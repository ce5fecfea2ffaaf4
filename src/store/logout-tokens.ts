import type { Tx } from './db.ts'
import type { LogoutToken } from './generated/client.ts'

type Key = Pick<LogoutToken, 'loginProviderId' | 'jtiHash'>

export async function isLogoutTokenUsed(tx: Tx, key: Key): Promise<boolean> {
  const where = { tenantId: tx.scope.tenantId, ...key }
  return (await tx.rows.logoutToken.count({ where })) > 0
}

export async function noteLogoutToken(tx: Tx, row: Omit<LogoutToken, 'tenantId'>): Promise<void> {
  const data = [{ ...row, tenantId: tx.scope.tenantId }]
  await tx.rows.logoutToken.createMany({ data, skipDuplicates: true })
}
