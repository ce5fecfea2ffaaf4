import type { Db, Tx } from './db.ts'
import type { LoginProvider } from './generated/client.ts'

export type LoginProviderRow = LoginProvider

type Defaulted =
  | 'clientSecretHint'
  | 'allowedTenantIds'
  | 'isEnabled'
  | 'verifiedAt'
  | 'lastUsedAt'
  | 'groupsOverageAt'
  | 'version'
export type NewLoginProviderRow = Omit<LoginProviderRow, 'tenantId' | Defaulted> &
  Partial<Pick<LoginProviderRow, Defaulted>>

export async function insertLoginProvider(tx: Tx, row: NewLoginProviderRow): Promise<void> {
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

/** Newest first, from before `cursor`. */
export function pageLoginProviders(
  tx: Tx,
  page: { limit: number; cursor: string | null }
): Promise<LoginProviderRow[]> {
  return tx.rows.loginProvider.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** The tenants that have an enabled login provider for addresses of this domain. */
export async function listTenantsOfEmailDomain(db: Db, domain: string): Promise<string[]> {
  const rows = await db.inLookup({ key: domain }, (tx) =>
    tx.rows.loginProvider.findMany({
      where: { emailDomains: { has: domain }, isEnabled: true },
      select: { tenantId: true },
      distinct: 'tenantId',
      take: 2
    })
  )
  return rows.map(({ tenantId }) => tenantId)
}

type Settings = Partial<Omit<LoginProviderRow, 'id' | 'tenantId' | 'version' | 'createdAt'>>

/** @returns false when the row is no longer at `version` */
export async function updateLoginProvider(
  tx: Tx,
  id: string,
  version: number,
  patch: Settings
): Promise<boolean> {
  const { count } = await tx.rows.loginProvider.updateMany({
    where: { tenantId: tx.scope.tenantId, id, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

/** What is seen of a provider at work; changes none of its settings. */
export async function noteLoginProvider(
  tx: Tx,
  id: string,
  seen: Partial<Pick<LoginProviderRow, 'verifiedAt' | 'lastUsedAt' | 'groupsOverageAt'>>
): Promise<void> {
  await tx.rows.loginProvider.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: seen
  })
}

export async function deleteLoginProvider(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.loginProvider.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

/** Makes two changes to a tenant's ways in wait for one another, so that not both take the other's for granted. */
export async function lockLoginProviders(tx: Tx): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734005, hashtext(${tx.scope.tenantId}))`
}

/** The tenant whose login provider this is; for a call that names nothing else. */
export async function findTenantOfLoginProvider(db: Db, id: string): Promise<string | null> {
  const row = await db.inLookup({ key: id }, (tx) =>
    tx.rows.loginProvider.findFirst({ where: { id }, select: { tenantId: true } })
  )
  return row?.tenantId ?? null
}
