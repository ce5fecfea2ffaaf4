import type { AuditBuffer } from '../audit/audit-buffer.ts'
import type { Vitals } from '../base/vitals.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { LastUses } from '../identity/last-uses.ts'
import type { Vault } from '../vault/vault.ts'
import type { Courier } from '../webhooks/courier.ts'
import type { Standing } from './standing.ts'

export interface VitalsDeps {
  readonly version: string
  readonly standing: Pick<Standing, 'isReady' | 'degraded'>
  readonly vault: Pick<Vault, 'measures'>
  readonly gateway: Pick<Gateway, 'load'>
  readonly records: Pick<AuditBuffer, 'size' | 'dropped'>
  readonly lastUses: Pick<LastUses, 'waiting'>
  readonly courier: Pick<Courier, 'standing'>
  readonly lagMs: () => number
}

/** What this process tells of itself, read off what its metrics are read off; no I/O. */
export function vitalsOf(deps: VitalsDeps): Vitals {
  const { version, standing, vault, gateway, records, lastUses } = deps
  const { waiting, failing } = deps.courier.standing()
  const { inFlight, breakers } = gateway.load()
  const refreshes = [...vault.measures().refreshes].flatMap(([identity, { outcomes }]) =>
    outcomes.all().map(([outcome, count]) => ({ identity, outcome, count }))
  )
  return {
    version,
    lacks: standing.isReady ? standing.degraded : null,
    refreshes: refreshes.filter(({ count }) => count > 0),
    queues: [
      { name: 'audit_records', waiting: records.size, dropped: records.dropped },
      { name: 'last_uses', waiting: lastUses.waiting, dropped: 0 }
    ],
    streams: (['webhook', 'otlp'] as const).map((kind) => ({
      kind,
      waiting: waiting[kind],
      failing: failing[kind]
    })),
    callsInFlight: inFlight,
    breakersOpen: breakers.open + breakers.probing,
    loopLateMs: Math.round(deps.lagMs())
  }
}
