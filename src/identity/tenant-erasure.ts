import { setTimeout as delay } from 'node:timers/promises'
import type { Audit } from '../audit/audit.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type TenantId } from '../base/ids.ts'
import type { Actor } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import {
  beginTenantErasure,
  eraseRows,
  findTenantErasure,
  noteRevocations,
  type TenantErasureRow
} from '../store/tenant-erasures.ts'
import { findTenant, listErasingTenantIds } from '../store/tenants.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import type { Vault } from '../vault/vault.ts'
import { identityScope } from './identity-scope.ts'
import { type OperatorCall, operatorScope, refuseOwn } from './operator-call.ts'
import { requireAuthority } from './roles.ts'

/** What remains of a tenant. */
export interface ErasureReceipt {
  readonly tenantId: TenantId
  readonly slug: string
  readonly erasedBy: { readonly kind: Actor['kind']; readonly id: string }
  /** From then on no row of the tenant could be read: its data keys were destroyed first. */
  readonly startedAt: Date
  /** Null: rows are still being deleted. */
  readonly finishedAt: Date | null
  /** What the provider was told of the users' sign-ins; null: not known, the process died meanwhile. */
  readonly grants: { readonly revoked: number; readonly notRevoked: number } | null
  /** How many rows each table gave up; those of the audit trail stand in `audit`. */
  readonly rows: Readonly<Record<string, number>>
  /** The end of the erased audit trail: its length, and the hash of its last event. Null until it goes. */
  readonly audit: { readonly length: number; readonly headHash: string } | null
}

export interface TenantErasure {
  /**
   * Destroys the tenant's keys, tells the provider, deletes its rows. Waits for the end as long as `waitMs`;
   * what is left then goes on by itself, on whichever replica.
   * @param confirm the tenant's slug, so that a wrong id erases nothing
   * @throws AppError `not_found`, `invalid_request`, `forbidden`: the operator's own tenant
   */
  erase(by: OperatorCall, id: TenantId, confirm: string, waitMs: number): Promise<ErasureReceipt>
  /** @throws AppError `not_found`: no tenant of this id was ever erased */
  erasure(by: OperatorCall, id: TenantId): Promise<ErasureReceipt>
  /** Goes on with what a process that died left half done. */
  continueErasures(): Promise<void>
  /** Resolves when the deleting that this process is at has ended. */
  settle(): Promise<void>
}

export interface ErasureDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly vault: Pick<Vault, 'prepareRevocations'>
}

const openingMaxMs = 10_000
const revokingMaxMs = 10_000
/** Rows of one transaction. */
const batchMax = 2_000
/** A row that was written meanwhile holds another up for one turn. */
const conflictsMax = 20

export function createTenantErasure(deps: ErasureDeps): TenantErasure {
  const { db, audit, strongbox, vault } = deps
  const running = new Map<TenantId, Promise<void>>()
  let isClosing = false

  async function begin(by: OperatorCall, id: TenantId): Promise<void> {
    const scope = operatorScope(by, id)
    // What can be opened now can be revoked when the key is gone; what can't be, delays nothing.
    const revokeAll = await vault.prepareRevocations(scope, openingMaxMs).catch(() => null)
    const event = { action: 'tenant.erase', object: ['tenant', id] } as const
    await db.inTenant(scope, async (tx) => {
      await audit.append(tx, event)
      await beginTenantErasure(tx, by.actor)
    })
    await strongbox.forgetErased()
    if (by.tenantId !== null) {
      // In the operator's own record too, since the tenant's goes.
      await audit.record(operatorScope(by, by.tenantId), [event])
    }
    if (revokeAll === null) return
    const outcome = await revokeAll(revokingMaxMs)
    await db.inTenant(scope, (tx) => noteRevocations(tx, outcome))
  }

  /** Batch after batch, once at a time in this process; another replica's turns come in between. */
  function deleteRows(id: TenantId): Promise<void> {
    const current = running.get(id)
    if (current !== undefined) return current
    const run = deleteAll(id).finally(() => running.delete(id))
    running.set(id, run)
    return run
  }

  async function deleteAll(id: TenantId): Promise<void> {
    const scope = identityScope(id, null)
    for (let conflicts = 0; !isClosing; ) {
      try {
        if (await db.inTenant(scope, (tx) => eraseRows(tx, batchMax))) return
      } catch (err) {
        conflicts += 1
        const isHeldUp = err instanceof AppError && err.code === 'not_found'
        if (!isHeldUp || conflicts > conflictsMax) throw err
      }
    }
  }

  async function receiptOf(id: TenantId): Promise<ErasureReceipt> {
    const row = await findTenantErasure(db, id)
    if (row === null) throw new AppError('not_found')
    return viewOf(row)
  }

  return {
    async erase(by, id, confirm, waitMs) {
      requireAuthority(by, 'tenant.erase')
      refuseOwn(by, id)
      const tenant = await db.inTenant(identityScope(id, null), findTenant)
      if (tenant === null) throw new AppError('not_found')
      if (tenant.slug !== confirm)
        throw invalidRequest('/confirm', 'is not the slug of this tenant')
      if (tenant.status !== 'erasing') await begin(by, id)
      const deletion = deleteRows(id)
      // Who no longer waits leaves it to the clockwork, which tells of failures.
      deletion.catch(() => undefined)
      await Promise.race([deletion, delay(waitMs, undefined, { ref: false })])
      return await receiptOf(id)
    },
    async erasure(by, id) {
      requireAuthority(by, 'tenant.get')
      return await receiptOf(id)
    },
    async continueErasures() {
      for (const id of await listErasingTenantIds(db)) await deleteRows(asId('tenant', id))
    },
    async settle() {
      isClosing = true
      await Promise.allSettled(running.values())
    }
  }
}

function viewOf(row: TenantErasureRow): ErasureReceipt {
  const { grantsRevoked, grantsNotRevoked, auditLength, auditHead } = row
  return {
    tenantId: asId('tenant', row.id),
    slug: row.slug,
    erasedBy: { kind: row.actorKind as Actor['kind'], id: row.actorId }, // as begun by an Actor
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    grants:
      grantsRevoked === null || grantsNotRevoked === null
        ? null
        : { revoked: grantsRevoked, notRevoked: grantsNotRevoked },
    rows: row.rowCounts as Readonly<Record<string, number>>, // as the erasure's functions write it
    audit:
      auditLength === null || auditHead === null
        ? null
        : { length: Number(auditLength), headHash: auditHead }
  }
}
