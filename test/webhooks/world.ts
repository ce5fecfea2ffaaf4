import { type AuditEvent, createAudit } from '../../src/audit/audit.ts'
import { asId } from '../../src/base/ids.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import { createOutbound, type OutboundOptions } from '../../src/outbound/outbound.ts'
import type { Courier } from '../../src/webhooks/courier.ts'
import { createStreams } from '../../src/webhooks/create-streams.ts'
import { createWebhooks } from '../../src/webhooks/create-webhooks.ts'
import type { OtlpLogs } from '../../src/webhooks/otlp-sender.ts'
import type { Webhooks } from '../../src/webhooks/webhooks.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { startReceiver, type TestReceiver } from './receiver.ts'

export const publicUrl = 'https://weft.test'

export interface WebhookWorld {
  readonly world: VaultWorld
  readonly receiver: TestReceiver
  readonly webhooks: Webhooks
  readonly courier: Courier
  readonly failures: unknown[]
  /** A courier of another process. */
  replica(otlp?: Omit<OtlpLogs, 'outbound'>): Courier
  /** A webhook at the receiver. */
  hook(events?: readonly string[], scope?: TenantScope): Promise<{ id: Hook; secret: string }>
  /** Puts events into the record, named so that each can be told from the others. */
  happen(count: number, action?: AuditEvent['action'], scope?: TenantScope): Promise<void>
  /** Turns of the courier until nothing is left to tell now. */
  tell(courier?: Courier): Promise<void>
  tenant(slug: string): Promise<TenantScope>
  streamOf(id: string): Promise<Record<string, unknown>>
  close(): Promise<void>
}

type Hook = Parameters<Webhooks['get']>[1]

/** @param more of the way out: receivers beside the usual one, and what it trusts */
export async function createWebhookWorld(
  more: Partial<OutboundOptions> = {}
): Promise<WebhookWorld> {
  const world = await createVaultWorld()
  const receiver = await startReceiver()
  const { clock } = world
  const { db, strongbox } = world.own
  const audit = createAudit(db, clock)
  const failures: unknown[] = []
  const outboundTo = (origins: readonly string[]) =>
    createOutbound({ clock, userAgent: 'weft-test', ...more, extraOrigins: origins })
  const outbound = outboundTo([receiver.origin, ...(more.extraOrigins ?? [])])
  const outbounds = [outbound]
  const deps = { db, audit, strongbox, clock, outbound, publicUrl }
  const scopeOf = (tenantId: string) =>
    makeTenantScope(asId('tenant', tenantId), { kind: 'system', id: 'courier' }, systemAuthority)
  const webhooks = createWebhooks(deps)
  const couriers: Courier[] = []

  function replica(otlp?: Omit<OtlpLogs, 'outbound'>): Courier {
    const own = otlp === undefined ? null : outboundTo([new URL(otlp.url).origin])
    if (own !== null) outbounds.push(own)
    const courier = createStreams({
      ...deps,
      otlp: otlp === undefined || own === null ? null : { ...otlp, outbound: own },
      scopeOf,
      onFailure: (error) => failures.push(error)
    })
    couriers.push(courier)
    return courier
  }
  const courier = replica()
  let count = 0

  return {
    world,
    receiver,
    webhooks,
    courier,
    failures,
    replica,
    async hook(events = ['audit.*'], scope = world.scope) {
      const url = `${receiver.origin}/hook`
      const { id, secret } = await webhooks.create(scope, { name: 'hook', url, events })
      return { id, secret }
    },
    async happen(times, action = 'fabric.test', scope = world.scope) {
      for (let index = 0; index < times; index += 1) {
        count += 1
        await audit.record(scope, [{ action, object: ['fabric', `fab_${count}`] }])
      }
    },
    async tell(one = courier) {
      for (let turns = 0; turns < 3; turns += 1) {
        await one.turn()
        await one.settle()
      }
    },
    async tenant(slug) {
      const { tenantId } = await world.rows.tenant(slug)
      return scopeOf(tenantId)
    },
    async streamOf(id) {
      const [row] = await world.sql('SELECT * FROM audit_streams WHERE id = $1', [id])
      return row ?? {}
    },
    async close() {
      await Promise.all(couriers.map((one) => one.close()))
      await Promise.all(outbounds.map((one) => one.destroy()))
      await receiver.stop()
      await world.close()
    }
  }
}
