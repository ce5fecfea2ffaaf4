import type { Static } from 'typebox'
import { Secret } from '../../base/secret.ts'
import type { TenantInput } from '../../identity/identity.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const Count = Type.Integer({ minimum: 0 })

const members = {
  id: IdOfKind('tenant'),
  slug: Type.String(),
  name: Type.String(),
  status: Type.Enum(['active', 'suspended', 'erasing'], { type: 'string' }),
  counts: Strict({
    members: Count,
    teams: Count,
    appConnections: Count,
    fabrics: Count,
    serviceAccounts: Count
  }),
  version: Type.Integer(),
  createdAt: Time
}

export const Tenant = Strict(members, { title: 'Tenant' })
export const CreatedTenant = Strict(
  {
    ...members,
    redirectUri: Nullable(
      Type.String({
        description: 'To be registered at the identity provider, where `login` was given'
      })
    )
  },
  { title: 'CreatedTenant' }
)

export const TenantBody = Strict(
  {
    slug: Text(40),
    name: Text(120),
    firstAdminEmail: Type.Optional(
      Text(254, {
        description:
          'Becomes the first admin at their first login, once their issuer has verified it'
      })
    ),
    login: Type.Optional(
      Strict({
        issuer: Text(2_048, { format: 'uri' }),
        clientId: Text(512),
        clientSecret: Text(1_024, { writeOnly: true }),
        emailDomains: Type.Optional(Type.Array(Text(253), { maxItems: 100, uniqueItems: true }))
      })
    )
  },
  { title: 'NewTenant' }
)

export function newTenant(body: Static<typeof TenantBody>): TenantInput {
  const { slug, name, firstAdminEmail = null, login } = body
  if (login === undefined) return { slug, name, firstAdminEmail, login: null }
  const { issuer, clientId, clientSecret, emailDomains = [] } = login
  const provider = { issuer, clientId, clientSecret: new Secret(clientSecret), emailDomains }
  return { slug, name, firstAdminEmail, login: provider }
}

export const TenantPatchBody = Strict(
  { name: Text(120), version: Type.Optional(Type.Integer({ minimum: 1 })) },
  { title: 'TenantPatch' }
)

export const EraseQuery = Strict({
  confirm: Text(40, { description: 'The slug of the tenant, so that a wrong id erases nothing' })
})

export const ErasureReceipt = Strict(
  {
    tenantId: IdOfKind('tenant'),
    slug: Type.String(),
    erasedBy: Strict({
      kind: Type.Enum(['user', 'service_account', 'system'], { type: 'string' }),
      id: Type.String()
    }),
    startedAt: Time,
    finishedAt: Nullable(Time),
    grants: Type.Unsafe<{ revoked: number; notRevoked: number } | null>({
      type: ['object', 'null'],
      properties: { revoked: Count, notRevoked: Count },
      required: ['revoked', 'notRevoked'],
      additionalProperties: false
    }),
    rows: Type.Record(Type.String(), Count, { description: 'Deleted rows per table' }),
    audit: Type.Unsafe<{ length: number; headHash: string } | null>({
      type: ['object', 'null'],
      properties: { length: Count, headHash: Type.String() },
      required: ['length', 'headHash'],
      additionalProperties: false,
      description: 'The end of the erased audit trail'
    })
  },
  { title: 'ErasureReceipt' }
)
