import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const Access = Type.Enum(['read', 'query'], {
  type: 'string',
  description: '`query`: the data plane, and reading; `read`: reading alone'
})

const members = {
  id: IdOfKind('personalToken'),
  name: Type.String(),
  hint: Type.String(),
  scope: Strict({ fabrics: Nullable(Type.Array(IdOfKind('fabric'))), access: Access }),
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Nullable(Time)
}

export const PersonalToken = Strict(members, { title: 'PersonalToken' })
export const CreatedPersonalToken = Strict(
  { ...members, token: Type.String({ description: 'Shown this once' }) },
  { title: 'CreatedPersonalToken' }
)

export const PersonalTokenBody = Strict(
  {
    name: Text(120),
    expiresAt: Type.String({
      format: 'date-time',
      maxLength: 64,
      description: 'As late as the tenant allows, which is 90 days unless its admins say otherwise'
    }),
    scope: Type.Optional(
      Strict({
        fabrics: Type.Optional(
          Type.Array(IdOfKind('fabric'), {
            minItems: 1,
            maxItems: 100,
            uniqueItems: true,
            description: 'No other is reached; absent: all that the person sees'
          })
        ),
        access: Type.Optional({ ...Access, default: 'query' })
      })
    )
  },
  { title: 'NewPersonalToken' }
)
