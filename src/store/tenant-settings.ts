import type { Question } from './asking.ts'
import type { Tx } from './db.ts'
import { Prisma, type TenantSettings } from './generated/client.ts'

export type TenantSettingsRow = TenantSettings

/** What admins decide. */
export type TenantPolicies = Omit<
  TenantSettingsRow,
  'tenantId' | 'sessionsEndedAt' | 'version' | 'updatedAt'
>

const defaults = {
  sessionIdleMinutes: 720,
  sessionMaxMinutes: 10_080,
  sessionsEndedAt: null,
  personalTokensAllowed: true,
  personalTokenMaxDays: 90,
  delegationsAllowed: false,
  version: 1
}

/** The defaults where nothing was ever decided. */
export async function readTenantSettings(
  tx: Tx
): Promise<Omit<TenantSettingsRow, 'tenantId' | 'updatedAt'>> {
  const { tenantId } = tx.scope
  return orDefaults(await tx.rows.tenantSettings.findUnique({ where: { tenantId } }))
}

/** One row, or none where nothing was ever decided: see `orDefaults`. */
export function tenantSettings(): Question<TenantSettingsRow> {
  return { sql: Prisma.sql`SELECT * FROM tenant_settings WHERE tenant_id = weft_tenant()` }
}

export function orDefaults(
  row: TenantSettingsRow | null | undefined
): Omit<TenantSettingsRow, 'tenantId' | 'updatedAt'> {
  return row ?? defaults
}

/** @returns false when the settings are no longer at `version` */
export async function updateTenantSettings(
  tx: Tx,
  version: number,
  patch: TenantPolicies & { readonly updatedAt: Date }
): Promise<boolean> {
  const { tenantId } = tx.scope
  await ensureRow(tx, patch.updatedAt)
  const { count } = await tx.rows.tenantSettings.updateMany({
    where: { tenantId, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

/** No session of the tenant from before `now` comes in again. */
export async function noteSessionsEnded(tx: Tx, now: Date): Promise<void> {
  const { tenantId } = tx.scope
  await ensureRow(tx, now)
  await tx.rows.tenantSettings.updateMany({ where: { tenantId }, data: { sessionsEndedAt: now } })
}

async function ensureRow(tx: Tx, updatedAt: Date): Promise<void> {
  const data = [{ tenantId: tx.scope.tenantId, updatedAt }]
  await tx.rows.tenantSettings.createMany({ data, skipDuplicates: true })
}
