import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const Endpoints = Type.Array(Text(63, { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' }), {
  minItems: 1,
  maxItems: 256,
  uniqueItems: true
})

export const Delegation = Strict(
  {
    id: IdOfKind('delegation'),
    userId: IdOfKind('user'),
    serviceAccountId: IdOfKind('serviceAccount'),
    fabricId: IdOfKind('fabric'),
    endpoints: Nullable(Type.Array(Type.String())),
    createdAt: Time,
    expiresAt: Time
  },
  { title: 'Delegation' }
)

export const DelegationBody = Strict(
  {
    serviceAccountId: IdOfKind('serviceAccount'),
    fabricId: IdOfKind('fabric'),
    endpoints: Type.Optional(Endpoints),
    expiresAt: Type.String({
      format: 'date-time',
      maxLength: 64,
      description: 'Within 366 days'
    })
  },
  { title: 'NewDelegation' }
)
