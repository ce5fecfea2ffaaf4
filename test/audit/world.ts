import pg from 'pg'
import { type Audit, type AuditEvent, createAudit } from '../../src/audit/audit.ts'
import type { NotedCall } from '../../src/audit/call-writer.ts'
import { systemClock } from '../../src/base/clock.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

export interface AuditWorld {
  readonly database: TestDatabase
  readonly db: Db
  readonly audit: Audit
  /** As the superuser, who can do what the app role cannot. */
  sql<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>
  addTenants(scopes: readonly TenantScope[]): Promise<void>
  close(): Promise<void>
}

export async function createAuditWorld(): Promise<AuditWorld> {
  const database = await createTestDatabase()
  const db = createDb({ url: new Secret(database.appUrl), poolMax: 10 })
  const keeper = new pg.Client({ connectionString: database.superuserUrl })
  await keeper.connect()
  return {
    database,
    db,
    audit: createAudit(db, systemClock()),
    sql: async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await keeper.query<T>(text, values)).rows,
    async addTenants(scopes) {
      for (const { tenantId } of scopes) {
        const sql = 'INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, $1, $1, now())'
        await keeper.query(sql, [tenantId])
      }
    },
    async close() {
      await db.close()
      await keeper.end()
      await database.drop()
    }
  }
}

export function scopeOf(tenant: string, requestId: string | null = null): TenantScope {
  const actor = { kind: 'user', id: asId('user', `usr_of_${tenant}`) } as const
  return makeTenantScope(asId('tenant', tenant), actor, systemAuthority, requestId)
}

/** An event that can be told from the others. */
export function eventNo(index: number): AuditEvent {
  return {
    action: 'fabric.update',
    object: ['fabric', `fab_${index}`],
    details: { name: `fabric ${index}`, changed: ['name', 'kind'], count: index, isDropped: false }
  }
}

/** A call that can be told from the others. */
export function callNo(index: number, more: Partial<NotedCall> = {}): NotedCall {
  return {
    at: new Date('2026-11-20T12:00:00.000Z'),
    operation: 'serving.invocations',
    endpoint: 'llama',
    subject: `fab_${index}`,
    fabricId: 'fab_1',
    identity: 'service_principal',
    onBehalfOf: null,
    keyId: null,
    grantId: 'grt_1',
    generation: 3,
    tokenSource: 'cached',
    outcome: 'succeeded',
    code: null,
    status: 200,
    upstreamStatus: 200,
    upstreamRequestId: 'up-1',
    attempts: 1,
    requestBytes: 10,
    answerBytes: 100,
    durationMs: 12.5,
    firstByteMs: 6.25,
    tokenMs: 0.5,
    inputTokens: 7,
    outputTokens: 5,
    totalTokens: 12,
    ...more
  }
}
