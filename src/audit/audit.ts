/**
 * Owns: the append-only, hash-chained record of who did what, for whom, through which fabric.
 * Touches: store's audit rows and call records, always in the transaction of what is recorded.
 * Never: a secret, a payload, an update or a delete.
 */
import type { Clock } from '../base/clock.ts'
import { type FabricId, newId, type UserId } from '../base/ids.ts'
import type { Actor, CallOrigin, TenantScope } from '../base/tenant-scope.ts'
import { insertAuditEvents, lockAuditChain } from '../store/audit-events.ts'
import type { Db, PlainTx, Tx } from '../store/db.ts'
import { chainStart, sealAuditEvent } from './event-hash.ts'
import { type AuditAction, auditInventory } from './inventory/inventory.ts'

export type { AuditAction } from './inventory/inventory.ts'

/** Every name that an event can have. */
export const auditActions = Object.keys(auditInventory) as readonly AuditAction[] // its own keys

export type AuditOutcome = 'succeeded' | 'refused' | 'failed'

export interface AuditEvent {
  readonly action: AuditAction
  /** Kind and id of what was acted on, such as `fabric` and `fab_…`. */
  readonly object: readonly [kind: string, id: string]
  readonly outcome?: AuditOutcome
  readonly fabricId?: FabricId
  readonly onBehalfOf?: UserId
  /** When it happened, where that was before it is written down. */
  readonly at?: Date
  /** Who acted, where that is not the scope's actor (a login: the person who has just become known). */
  readonly actor?: Actor
  /** What it was done for, where that is not the scope's own request. */
  readonly origin?: CallOrigin
  /** The problem code of a refused or failed action. */
  readonly code?: string
  /** Small facts: names, ids, counts. No secret, no payload, no provider text. */
  readonly details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>
}

/** Actions that change nothing that a replica remembers; any other makes all of them forget and read anew. */
const unnoticed: ReadonlySet<AuditAction> = new Set([
  'access.deny',
  'audit.find_token',
  'connection.needs_sign_in',
  'connection.recovered',
  'deployment_run.cancel',
  'deployment_run.create',
  'endpoint.discover',
  'endpoint.query',
  'fabric.sign_in',
  'fabric.test',
  'grant.refresh',
  'grant.revoke',
  'data_key.rewrap',
  'login',
  'secret.expiring',
  'service_account.use',
  'service_principal.refused',
  'service_token.issue',
  'webhook.redeliver',
  'webhook.test'
])

export interface Audit {
  /** Appends to the tenant's chain in `tx`, in their order: no record, no action. */
  append(tx: Tx, ...events: readonly AuditEvent[]): Promise<void>
  /** For what has no transaction of its own: one transaction for all of `events`, in their order. */
  record(scope: TenantScope, events: readonly AuditEvent[]): Promise<void>
  /** For what appends more than once: the tenant's chain is this transaction's until it ends. */
  holdChain(tx: PlainTx): Promise<HeldChain>
}

export interface HeldChain {
  /**
   * Puts them next in the chain.
   * @returns each as it is to be stored, in this order, before the transaction ends
   */
  seal(events: readonly AuditEvent[]): readonly string[]
}

export function createAudit(db: Db, clock: Clock): Audit {
  async function holdChain(tx: PlainTx): Promise<HeldChain> {
    const latest = await lockAuditChain(tx)
    let seq = latest?.seq ?? 0n
    let previousHash = latest?.hash ?? chainStart
    return {
      seal: (events) =>
        events.map((event) => {
          seq += 1n
          const { hash, json } = sealAuditEvent(rowOf(tx.scope, event, seq, previousHash))
          previousHash = hash
          return json
        })
    }
  }

  async function append(tx: Tx, ...events: readonly AuditEvent[]): Promise<void> {
    const chain = await holdChain(tx)
    const isChange = events.some(({ action }) => !unnoticed.has(action))
    await insertAuditEvents(tx, chain.seal(events), isChange)
  }

  function rowOf(scope: TenantScope, event: AuditEvent, seq: bigint, previousHash: string) {
    const actor = event.actor ?? scope.actor
    const { requestId, source, credentialId } = event.origin ?? scope
    return {
      tenantId: scope.tenantId as string,
      id: newId('auditEvent', clock) as string,
      at: event.at ?? clock.now(),
      actorKind: actor.kind,
      actorId: actor.id as string,
      onBehalfOf: event.onBehalfOf ?? null,
      action: event.action,
      objectKind: event.object[0],
      objectId: event.object[1],
      fabricId: event.fabricId ?? null,
      outcome: event.outcome ?? 'succeeded',
      code: event.code ?? null,
      requestId,
      source,
      credentialId: credentialId as string | null,
      details: event.details ?? {},
      seq,
      previousHash
    }
  }

  return {
    append,
    record: (scope, events) => db.inTenant(scope, (tx) => append(tx, ...events)),
    holdChain
  }
}
