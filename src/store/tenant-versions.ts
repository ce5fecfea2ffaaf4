import type { Clock } from '../base/clock.ts'
import type { Question } from './asking.ts'
import type { Db, Tx } from './db.ts'
import { Prisma, type Tenant } from './generated/client.ts'
import { readTenantStandings } from './tenant-standings.ts'

/**
 * Each tenant counts its changes; a replica that knows the count knows whether what it remembers still
 * holds. Asked for in one query a second for all tenants, never on a call's way.
 */
export interface TenantVersions {
  /** The tenant's count; null where it is not known, or not lately enough to be trusted. */
  current(tenantId: string): number | null
  /** What a transaction has just read: from now on this tenant is watched. */
  observe(tenantId: string, version: number): void
  /** Asks for the counts of all tenants that are watched. */
  poll(): Promise<void>
}

/**
 * For how long what is remembered is trusted while the database can't be asked, milliseconds. A database
 * that is away takes no changes either; only a replica that is cut off alone can miss one for this long.
 */
export const versionTrustMs = 60_000

export function createTenantVersions(db: Db, clock: Clock): TenantVersions {
  const known = new Map<string, number>()
  let askedMs = clock.monotonicMs()

  /** Counts only grow: whatever comes late, a poll or a reading, takes nothing back. */
  function learn(tenantId: string, version: number): void {
    if ((known.get(tenantId) ?? 0) < version) known.set(tenantId, version)
  }

  // What this replica itself has changed it notices at once.
  db.onTenantChange(learn)

  return {
    current(tenantId) {
      if (clock.monotonicMs() - askedMs > versionTrustMs) return null
      return known.get(tenantId) ?? null
    },
    observe: learn,
    async poll() {
      const startedMs = clock.monotonicMs()
      const ids = [...known.keys()]
      if (ids.length > 0) {
        const rows = await readTenantStandings(db)
        const found = new Map(rows.map(({ id, version }) => [id, version]))
        for (const id of ids) {
          const version = found.get(id)
          if (version === undefined) known.delete(id)
          else learn(id, version)
        }
      }
      askedMs = startedMs
    }
  }
}

/** To be read before the rows that are remembered under it: what changes meanwhile is then noticed later. */
export async function readTenantVersion(tx: Tx): Promise<number> {
  const row = await tx.rows.tenant.findUnique({
    where: { id: tx.scope.tenantId },
    select: { version: true }
  })
  return row?.version ?? 0
}

/** Tells every replica, within a second or so, to forget what it remembers of this tenant. */
export async function bumpTenantVersion(tx: Tx): Promise<void> {
  const [row] = await tx.rows.tenant.updateManyAndReturn({
    where: { id: tx.scope.tenantId },
    data: { version: { increment: 1 } },
    select: { version: true }
  })
  if (row !== undefined) tx.noteChange(row.version)
}

export type TenantStatus = Readonly<Pick<Tenant, 'id' | 'version' | 'status'>>

/** The same, to be asked for before what is remembered under it. */
export function tenantVersion(): Question<TenantStatus> {
  return { sql: Prisma.sql`SELECT id, version, status FROM tenants WHERE id = weft_tenant()` }
}
