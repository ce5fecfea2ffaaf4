import type { Static } from 'typebox'
import { Secret } from '../../base/secret.ts'
import type { LoginProviderPatch, NewLoginProvider } from '../../identity/identity.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'
import { ClientSecretText } from './client-secret.ts'

const Kind = Type.Enum(['entra', 'oidc'], { type: 'string' })
const Role = Type.Enum(['admin', 'member', 'tenant_admin'], { type: 'string' })
const Issuer = Text(512, {
  description: 'As the identity provider writes it, letter by letter; https, or http on loopback'
})
const ClientId = Text(255, { pattern: '^[\\x21-\\x7e]+$' })
const TenantIds = Type.Array(Text(36), {
  maxItems: 64,
  uniqueItems: true,
  description:
    'Entra ID: the tenants (`tid`) whose people may log in; needed for `common` and `organizations`'
})
const EmailDomains = Type.Array(Text(253), {
  maxItems: 64,
  uniqueItems: true,
  description:
    'Whose verified addresses may join by logging in, and who is led here from the login page; empty: whoever the issuer authenticates'
})
const GroupMappings = Type.Array(
  Strict({
    groupId: Text(256, { pattern: '^\\P{Cc}+$' }),
    teamId: Type.Optional(Nullable(IdOfKind('team'))),
    role: Type.Optional(Role)
  }),
  {
    maxItems: 200,
    description:
      'Who has the group in the `groups` claim has the role: `admin` or `member` (the default) in the team, or `tenant_admin` without one. Read at each login'
  }
)

export const LoginProvider = Strict(
  {
    id: IdOfKind('loginProvider'),
    name: Type.String(),
    kind: Kind,
    issuer: Type.String(),
    clientId: Type.String(),
    clientSecret: Strict({
      isSet: Type.Boolean(),
      hint: Type.String(),
      setAt: Time,
      lastUsedAt: Nullable(Time)
    }),
    allowedTenantIds: Type.Array(Type.String()),
    emailDomains: Type.Array(Type.String()),
    groupMappings: Type.Array(
      Strict({ groupId: Type.String(), teamId: Nullable(IdOfKind('team')), role: Role })
    ),
    isEnabled: Type.Boolean(),
    status: Type.Enum(['ready', 'verified', 'disabled'], { type: 'string' }),
    redirectUri: Type.String({ format: 'uri' }),
    backchannelLogoutUri: Type.String({ format: 'uri' }),
    lastUsedAt: Nullable(Time),
    warnings: Type.Array(
      Strict({ code: Type.String(), message: Type.String(), owner: Type.String() })
    ),
    version: Type.Integer(),
    createdAt: Time,
    updatedAt: Time
  },
  { title: 'LoginProvider' }
)

const optional = {
  allowedTenantIds: Type.Optional(TenantIds),
  emailDomains: Type.Optional(EmailDomains),
  groupMappings: Type.Optional(GroupMappings),
  isEnabled: Type.Optional(Type.Boolean())
}

export const LoginProviderBody = Strict(
  {
    name: Text(120),
    kind: Kind,
    issuer: Issuer,
    clientId: ClientId,
    clientSecret: ClientSecretText,
    ...optional
  },
  { title: 'NewLoginProvider' }
)

export const LoginProviderPatchBody = Strict(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    name: Type.Optional(Text(120)),
    kind: Type.Optional(Kind),
    issuer: Type.Optional(Issuer),
    clientId: Type.Optional(ClientId),
    clientSecret: Type.Optional(ClientSecretText),
    ...optional
  },
  { title: 'LoginProviderPatch', description: 'JSON merge patch (RFC 7396)' }
)

/** The body with its secret wrapped, from here on. */
export function newLoginProvider(body: Static<typeof LoginProviderBody>): NewLoginProvider {
  return { ...body, clientSecret: new Secret(body.clientSecret) }
}

export function loginProviderPatch(
  body: Static<typeof LoginProviderPatchBody>,
  version: number
): LoginProviderPatch {
  const { clientSecret, ...rest } = body
  const secret = clientSecret === undefined ? {} : { clientSecret: new Secret(clientSecret) }
  return { ...rest, version, ...secret }
}

export const LoginProviderCheck = Strict(
  {
    ok: Type.Boolean(),
    steps: Type.Array(
      Strict({
        step: Type.Enum(['issuer', 'discovery', 'keys'], { type: 'string' }),
        status: Type.Enum(['passed', 'failed', 'skipped'], { type: 'string' }),
        code: Type.Optional(Type.String()),
        detail: Type.Optional(Type.String())
      })
    )
  },
  { title: 'LoginProviderCheck' }
)
