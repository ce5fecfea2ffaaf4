import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const tokenMembers = {
  id: IdOfKind('scimToken'),
  name: Type.String(),
  hint: Type.String(),
  createdAt: Time,
  expiresAt: Nullable(Time),
  lastUsedAt: Nullable(Time)
}

export const ScimToken = Strict(tokenMembers, { title: 'ScimToken' })
export const CreatedScimToken = Strict(
  { ...tokenMembers, token: Type.String({ description: 'Shown this once' }) },
  { title: 'CreatedScimToken' }
)

export const ScimTokenBody = Strict(
  {
    name: Text(120),
    expiresAt: Type.Optional(Type.String({ format: 'date-time', maxLength: 64 }))
  },
  { title: 'NewScimToken' }
)

/** Whatever the client sends: what it must hold is said in SCIM's own errors. */
export const ScimBody = Type.Unknown({ description: 'RFC 7643, RFC 7644' })

export const ScimResource = Type.Object(
  { schemas: Type.Array(Type.String()) },
  { additionalProperties: true, title: 'ScimResource', description: 'RFC 7643' }
)

export const ScimError = Type.Object(
  {
    schemas: Type.Array(Type.String()),
    status: Type.String(),
    scimType: Type.Optional(Type.String()),
    detail: Type.String()
  },
  { title: 'ScimError', description: 'RFC 7644 §3.12' }
)

export const ScimListQuery = Type.Object({
  filter: Type.Optional(Type.String()),
  startIndex: Type.Optional(Type.Integer()),
  count: Type.Optional(Type.Integer()),
  attributes: Type.Optional(Type.String()),
  excludedAttributes: Type.Optional(Type.String())
})

export const ScimReadQuery = Type.Object({
  attributes: Type.Optional(Type.String()),
  excludedAttributes: Type.Optional(Type.String())
})
