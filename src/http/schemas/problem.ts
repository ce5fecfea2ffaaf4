import { problemCatalogue } from '../../base/errors.ts'
import { Type } from '../json-schema.ts'

const owners = [
  'caller',
  'team_admin',
  'tenant_admin',
  'provider_admin',
  'upstream',
  'platform'
] as const

export const Owner = Type.Enum(owners, { type: 'string' })

export const Problem = Type.Object(
  {
    type: Type.String({ format: 'uri' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.String({ description: 'Names the request: `urn:weft:request:{x-request-id}`' }),
    code: Type.Enum(Object.keys(problemCatalogue), { type: 'string' }),
    owner: Type.Enum(owners, { type: 'string', description: 'Who can mend it' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({
            description:
              'RFC 6901; of the body, or under `/query` or `/headers`; empty: the body as a whole'
          }),
          message: Type.String(),
          line: Type.Optional(
            Type.Integer({ minimum: 1, description: 'Of a document that is sent as text' })
          ),
          column: Type.Optional(Type.Integer({ minimum: 1 }))
        }),
        { description: 'Every fault of the input at once' }
      )
    ),
    retryAt: Type.Optional(Type.String({ format: 'date-time' })),
    actionUrl: Type.Optional(Type.String({ description: 'Where the owner acts' }))
  },
  { title: 'Problem' }
)
