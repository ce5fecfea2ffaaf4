import type { Question } from './asking.ts'
import type { Tx } from './db.ts'
import { type ClientSecret, Prisma } from './generated/client.ts'

export type ClientSecretRow = ClientSecret

/** Whose a secret is: an app connection's, or the service principal's of a fabric. */
export type ClientSecretOwner = { readonly appConnectionId: string } | { readonly fabricId: string }

/** As they are tried. */
export const currentFirst = {
  orderBy: [{ state: 'asc' }, { setAt: 'desc' }]
} satisfies Prisma.AppConnection$clientSecretsArgs

/** Those of one owner, in that order. */
export function clientSecretsOf(owner: ClientSecretOwner): Question<ClientSecretRow> {
  const isOwners =
    'fabricId' in owner
      ? Prisma.sql`fabric_id = ${owner.fabricId}`
      : Prisma.sql`app_connection_id = ${owner.appConnectionId}`
  return {
    sql: Prisma.sql`SELECT * FROM client_secrets WHERE tenant_id = weft_tenant() AND ${isOwners}
      ORDER BY state, set_at DESC`
  }
}

/** What was current becomes previous, what was previous stays so, the new one is current. */
export async function insertClientSecret(
  tx: Tx,
  owner: ClientSecretOwner,
  row: Pick<ClientSecretRow, 'id' | 'sealed' | 'hint' | 'setAt' | 'expiresAt'>
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.clientSecret.updateMany({
    where: { tenantId, ...owner, state: 'current' },
    data: { state: 'previous' }
  })
  await tx.rows.clientSecret.create({ data: { ...row, tenantId, ...owner, state: 'current' } })
}

export async function deleteClientSecret(
  tx: Tx,
  owner: ClientSecretOwner,
  id: string
): Promise<boolean> {
  const { count } = await tx.rows.clientSecret.deleteMany({
    where: { tenantId: tx.scope.tenantId, ...owner, id }
  })
  return count === 1
}

export async function touchClientSecret(tx: Tx, id: string, lastUsedAt: Date): Promise<void> {
  await tx.rows.clientSecret.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: { lastUsedAt }
  })
}
