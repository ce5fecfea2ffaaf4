import type { TenantScope } from '../../base/tenant-scope.ts'
import type { Vitals } from '../../base/vitals.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Time } from '../route.ts'

/** What the routes need of the deployment's overview. */
export interface OperationsReader {
  view(scope: TenantScope): Promise<{
    readonly at: Date
    readonly replicas: readonly {
      readonly id: string
      readonly host: string
      readonly startedAt: Date
      readonly seenAt: Date
      readonly isServing: boolean
      readonly sealingKid: string
      readonly vitals: Vitals | null
      readonly vitalsAt: Date | null
    }[]
  }>
  keys(scope: TenantScope): Promise<{
    readonly at: Date
    readonly sealingKid: string | null
    readonly keys: readonly {
      readonly kid: string
      readonly fingerprint: string | null
      readonly state: 'seals' | 'opens' | 'staged' | 'unneeded'
      readonly isInRing: boolean
      readonly promotedAt: Date | null
      readonly wraps: number
      readonly missingOn: readonly string[]
    }[]
    readonly dataKeys: {
      readonly rotating: readonly {
        readonly tenantId: string
        readonly since: Date
        readonly left: number
      }[]
      readonly retired: number
    }
  }>
}

const Count = Type.Integer({ minimum: 0 })

const VitalsSchema = Strict({
  version: Type.String(),
  lacks: Type.Unsafe<string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'What it is without and still serves; null: it cannot serve'
  }),
  refreshes: Type.Array(Strict({ identity: Type.String(), outcome: Type.String(), count: Count }), {
    description: 'Refreshes that it owned, since its start'
  }),
  queues: Type.Array(
    Strict({
      name: Type.String(),
      waiting: Count,
      dropped: Type.Integer({ minimum: 0, description: 'Given up, since its start' })
    })
  ),
  streams: Type.Array(
    Strict({
      kind: Type.String(),
      waiting: Type.Integer({ minimum: 0, description: 'Events of the record before receivers' }),
      failing: Type.Integer({ minimum: 0, description: 'Receivers whose last try failed' })
    }),
    { description: 'Webhooks and logs of the whole deployment: every replica tells the same' }
  ),
  callsInFlight: Count,
  breakersOpen: Type.Integer({
    minimum: 0,
    description: 'Workspace hosts that have not answered for a while and are only probed'
  }),
  loopLateMs: Count
})

export const Operations = Strict(
  {
    at: Time,
    replicas: Type.Array(
      Strict({
        id: Type.String(),
        host: Type.String(),
        startedAt: Time,
        seenAt: Time,
        isServing: Type.Boolean({ description: 'False: it ended without a word' }),
        sealingKid: Type.String({ description: 'The key that it seals with' }),
        vitals: Nullable(VitalsSchema),
        vitalsAt: Nullable(Time)
      }),
      { description: 'Those of the last day; those that serve first, longest running first' }
    )
  },
  { title: 'Operations' }
)

export const OperationsKeys = Strict(
  {
    at: Type.String({ format: 'date-time', description: 'When they were counted' }),
    sealingKid: Nullable(Type.String()),
    keys: Type.Array(
      Strict({
        kid: Type.String(),
        fingerprint: Nullable(Type.String()),
        state: Type.Enum(['seals', 'opens', 'staged', 'unneeded'], { type: 'string' }),
        isInRing: Type.Boolean(),
        promotedAt: Nullable(Time),
        wraps: Type.Integer({ minimum: 0, description: 'Data keys that it wraps' }),
        missingOn: Type.Array(Type.String(), {
          description: 'Hosts of serving replicas that lack it'
        })
      })
    ),
    dataKeys: Strict({
      rotating: Type.Array(
        Strict({
          tenantId: IdOfKind('tenant'),
          since: Time,
          left: Type.Integer({
            minimum: 0,
            maximum: 10_000,
            description: 'Values that an older key still seals; 10000: as many or more'
          })
        })
      ),
      retired: Type.Integer({ minimum: 0, description: 'Keys that wait for their destruction' })
    })
  },
  { title: 'OperationsKeys' }
)
