import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const Tenant = Strict({ id: IdOfKind('tenant'), slug: Type.String(), name: Type.String() })

export const Me = Strict(
  {
    user: Strict({ id: IdOfKind('user'), email: Type.String(), name: Type.String() }),
    tenant: Tenant,
    tenants: Type.Array(Tenant),
    role: Type.Enum(['tenant_admin', 'member'], { type: 'string' }),
    isPlatformOperator: Type.Boolean(),
    teams: Type.Array(
      Strict({
        id: IdOfKind('team'),
        name: Type.String(),
        role: Type.Enum(['admin', 'member'], { type: 'string' })
      })
    )
  },
  { title: 'Me' }
)

export const TenantChoice = Strict({ tenantId: IdOfKind('tenant') }, { title: 'TenantChoice' })

export const Session = Strict(
  {
    id: IdOfKind('session'),
    isCurrent: Type.Boolean(),
    userAgent: Type.String(),
    createdAt: Time,
    lastSeenAt: Time,
    expiresAt: Time
  },
  { title: 'Session' }
)

const monthMinutes = 43_200
const policies = {
  sessionIdleMinutes: Type.Integer({
    minimum: 5,
    maximum: monthMinutes,
    description: 'A session that was not used for so long ends'
  }),
  sessionMaxMinutes: Type.Integer({
    minimum: 15,
    maximum: monthMinutes,
    description: 'A session ends at the latest so long after its login'
  }),
  personalTokensAllowed: Type.Boolean({
    description: 'Whether personal access tokens may be made, and are believed'
  }),
  personalTokenMaxDays: Type.Integer({
    minimum: 1,
    maximum: 366,
    description: 'A personal access token ends at the latest so long after it was made'
  }),
  delegationsAllowed: Type.Boolean({
    description: 'Whether people may let service accounts act as them'
  })
}

export const TenantSettings = Strict(
  { ...policies, version: Type.Integer() },
  { title: 'TenantSettings' }
)

export const TenantSettingsPatchBody = Strict(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    sessionIdleMinutes: Type.Optional(policies.sessionIdleMinutes),
    sessionMaxMinutes: Type.Optional(policies.sessionMaxMinutes),
    personalTokensAllowed: Type.Optional(policies.personalTokensAllowed),
    personalTokenMaxDays: Type.Optional(policies.personalTokenMaxDays),
    delegationsAllowed: Type.Optional(policies.delegationsAllowed)
  },
  { title: 'TenantSettingsPatch', description: 'JSON merge patch (RFC 7396)' }
)

export const LoggedOut = Strict({ endSessionUrl: Nullable(Type.String()) }, { title: 'LoggedOut' })

const Access = Strict({
  fabricId: IdOfKind('fabric'),
  endpoints: Type.Optional(
    Type.Array(Text(63, { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' }), {
      maxItems: 256,
      uniqueItems: true
    })
  ),
  requestsPerMinute: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 }))
})

export const FabricAccessBody = Strict(
  { fabrics: Type.Array(Access, { maxItems: 1_000 }) },
  { title: 'FabricAccess' }
)

export const ServiceAccount = Strict(
  {
    id: IdOfKind('serviceAccount'),
    name: Type.String(),
    allowedNetworks: Type.Array(Type.String(), {
      description: 'CIDRs that it may come from; empty: anywhere'
    }),
    isDisabled: Type.Boolean(),
    version: Type.Integer(),
    createdAt: Time,
    fabrics: Type.Array(Access)
  },
  { title: 'ServiceAccount' }
)

export const ServiceAccountBody = Strict({ name: Text(120) }, { title: 'NewServiceAccount' })

export const ServiceAccountPatchBody = Strict(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    name: Type.Optional(Text(120)),
    allowedNetworks: Type.Optional(
      Type.Array(Text(64), {
        maxItems: 100,
        uniqueItems: true,
        description: 'CIDRs, such as `192.0.2.0/24`; empty: anywhere'
      })
    ),
    isDisabled: Type.Optional(Type.Boolean())
  },
  { title: 'ServiceAccountPatch', description: 'JSON merge patch (RFC 7396)' }
)

const keyMembers = {
  id: IdOfKind('key'),
  name: Type.String(),
  hint: Type.String(),
  createdAt: Time,
  expiresAt: Nullable(Time),
  lastUsedAt: Nullable(Time),
  lastUsedFrom: Nullable(Type.String({ description: 'The address that it was last used from' }))
}

export const ServiceKey = Strict(keyMembers, { title: 'ServiceKey' })
export const CreatedServiceKey = Strict(
  { ...keyMembers, key: Type.String({ description: 'Shown this once' }) },
  { title: 'CreatedServiceKey' }
)

export const ServiceKeyBody = Strict(
  {
    name: Text(120),
    expiresAt: Type.Optional(Type.String({ format: 'date-time', maxLength: 64 }))
  },
  { title: 'NewServiceKey' }
)
