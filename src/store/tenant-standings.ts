import type { Question } from './asking.ts'
import type { Db } from './db.ts'
import { Prisma } from './generated/client.ts'

/** Of a tenant: how it stands, how often it has changed, and how long its record is. */
export interface TenantStanding {
  readonly id: string
  readonly status: string
  readonly version: number
  readonly auditSeq: bigint
}

const standings: Question<Omit<TenantStanding, 'auditSeq'> & { readonly auditSeq: string }> = {
  sql: Prisma.sql`SELECT id, status, version, audit_seq::text AS audit_seq FROM tenants`
}

const readings = new WeakMap<object, Promise<readonly TenantStanding[]>>()

/** Of every tenant. Several jobs look at the same second, and share one reading. */
export function listTenantStandings(db: Db): Promise<readonly TenantStanding[]> {
  return readings.get(db) ?? readTenantStandings(db)
}

/** The same by a reading that begins now, for whoever goes by its age; others that look meanwhile share it. */
export function readTenantStandings(db: Db): Promise<readonly TenantStanding[]> {
  const reading = read(db).finally(() => {
    if (readings.get(db) === reading) readings.delete(db)
  })
  readings.set(db, reading)
  return reading
}

async function read(db: Db): Promise<readonly TenantStanding[]> {
  const [rows] = await db.askLookup({ key: '*' }, standings)
  return rows.map((row) => ({ ...row, auditSeq: BigInt(row.auditSeq) }))
}
