import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const Count = Type.Integer({ minimum: 0 })

export const IncidentBody = Strict(
  {
    confirm: Text(40, { description: 'The slug of the tenant, so that a wrong id ends nothing' }),
    fabricId: Type.Optional(IdOfKind('fabric')),
    userId: Type.Optional(IdOfKind('user'))
  },
  { title: 'NewIncidentRevocation' }
)

export const Incident = Strict(
  {
    id: IdOfKind('incident'),
    tenantId: IdOfKind('tenant'),
    target: Strict({
      kind: Type.Enum(['tenant', 'fabric', 'user'], { type: 'string' }),
      id: Type.String()
    }),
    startedBy: Strict({
      kind: Type.Enum(['user', 'service_account', 'scim_token', 'system'], { type: 'string' }),
      id: Type.String()
    }),
    startedAt: Time,
    finishedAt: Nullable(Time),
    ended: Type.Record(Type.String(), Count, { description: 'How many of each kind were ended' }),
    provider: Strict({
      revoked: Count,
      waiting: Count,
      notRevoked: Type.Array(
        Strict({
          host: Type.String(),
          cause: Type.String(),
          count: Count,
          grantIds: Type.Array(Type.String())
        })
      )
    }),
    secretsToRotate: Type.Array(
      Strict({
        kind: Type.Enum(['app_connection', 'service_principal'], { type: 'string' }),
        id: Type.String(),
        name: Type.String(),
        clientId: Type.String(),
        where: Nullable(Type.String()),
        hints: Type.Array(Type.String())
      }),
      { description: 'Good at the provider until somebody replaces them there' }
    )
  },
  { title: 'IncidentRevocation' }
)
