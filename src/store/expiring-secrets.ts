import type { Tx } from './db.ts'

/** A secret of the tenant's with a known end, by kind. */
export interface ExpiringSecret {
  readonly kind: 'client_secret' | 'service_key' | 'scim_token'
  readonly id: string
  /** Its own name, or that of what it belongs to. */
  readonly name: string
  readonly expiresAt: Date
  /** How many days before the end it was last told, the fewest. */
  readonly told: number | null
  readonly fabricId: string | null
  readonly appConnectionId: string | null
  readonly serviceAccountId: string | null
}

const ofNothing = { fabricId: null, appConnectionId: null, serviceAccountId: null }

/** What is in use and ends before `before`, and whose end has not been told down to the last day. */
export async function listExpiringSecrets(tx: Tx, before: Date): Promise<ExpiringSecret[]> {
  const { tenantId } = tx.scope
  const isDue = { expiresAt: { lt: before }, OR: [{ expiryTold: null }, { expiryTold: { gt: 0 } }] }
  const clientSecrets = await tx.rows.clientSecret.findMany({
    where: { tenantId, state: 'current', ...isDue },
    include: { appConnection: true, servicePrincipal: { include: { fabric: true } } }
  })
  const serviceKeys = await tx.rows.serviceKey.findMany({
    where: { tenantId, revokedAt: null, ...isDue }
  })
  const scimTokens = await tx.rows.scimToken.findMany({ where: { tenantId, ...isDue } })
  return [
    ...clientSecrets.map(({ appConnection, servicePrincipal, ...row }) => ({
      ...row,
      ...ofNothing,
      kind: 'client_secret' as const,
      name: appConnection?.name ?? servicePrincipal?.fabric.name ?? '',
      fabricId: row.fabricId,
      appConnectionId: row.appConnectionId
    })),
    ...serviceKeys.map((row) => ({
      ...row,
      ...ofNothing,
      kind: 'service_key' as const,
      serviceAccountId: row.serviceAccountId
    })),
    ...scimTokens.map((row) => ({ ...row, ...ofNothing, kind: 'scim_token' as const }))
  ].flatMap(({ expiryTold: told, expiresAt, ...row }) =>
    expiresAt === null ? [] : [{ ...row, told, expiresAt }]
  )
}

/** @returns false when another replica was faster */
export async function noteExpiryTold(
  tx: Tx,
  { kind, id }: Pick<ExpiringSecret, 'kind' | 'id'>,
  days: number
): Promise<boolean> {
  const which = {
    where: {
      tenantId: tx.scope.tenantId,
      id,
      OR: [{ expiryTold: null }, { expiryTold: { gt: days } }]
    },
    data: { expiryTold: days }
  }
  const { count } =
    kind === 'client_secret'
      ? await tx.rows.clientSecret.updateMany(which)
      : kind === 'service_key'
        ? await tx.rows.serviceKey.updateMany(which)
        : await tx.rows.scimToken.updateMany(which)
  return count === 1
}
