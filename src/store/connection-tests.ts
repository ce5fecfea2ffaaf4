import type { Tx } from './db.ts'
import type { ConnectionTest, Prisma } from './generated/client.ts'

export type ConnectionTestRow = ConnectionTest & { readonly testerName: string }
type NewTest = Omit<ConnectionTest, 'tenantId' | 'subject' | 'result'> & {
  readonly subject: Prisma.InputJsonObject
  readonly result: Prisma.InputJsonObject
}

/** In place of the one before: each person's own as themself, one of all as the service principal. */
export async function replaceConnectionTest(tx: Tx, row: NewTest): Promise<void> {
  const { tenantId } = tx.scope
  const { fabricId, identity, testedBy } = row
  const whose = identity === 'user' ? { testedBy } : {}
  await tx.rows.connectionTest.deleteMany({ where: { tenantId, fabricId, identity, ...whose } })
  await tx.rows.connectionTest.createMany({ data: { ...row, tenantId }, skipDuplicates: true })
}

/** The latest first: this person's own and those as the service principal. */
export async function listConnectionTests(
  tx: Tx,
  fabricId: string,
  userId: string
): Promise<ConnectionTestRow[]> {
  const rows = await tx.rows.connectionTest.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      fabricId,
      OR: [{ identity: 'user', testedBy: userId }, { identity: 'service_principal' }]
    },
    include: { membership: { select: { user: { select: { name: true } } } } },
    orderBy: { testedAt: 'desc' }
  })
  return rows.map(({ membership, ...row }) => ({ ...row, testerName: membership.user.name }))
}
