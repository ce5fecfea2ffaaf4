import type { Static } from 'typebox'
import {
  type AppConnectionPatch,
  type NewAppConnection,
  verificationSteps
} from '../../app-connections/app-connections.ts'
import { Secret } from '../../base/secret.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'
import { ClientSecret, ClientSecretText } from './client-secret.ts'
import { Owner } from './problem.ts'

export const Provider = Type.Enum(['databricks'], { type: 'string' })
const ClientAuthMethod = Type.Enum(['client_secret_post', 'client_secret_basic'], {
  type: 'string'
})
export const Scopes = Type.Array(Text(128, { pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$' }), {
  minItems: 1,
  maxItems: 32,
  uniqueItems: true
})
const Minutes = Nullable(Type.Integer({ minimum: 5, maximum: 5_256_000 }))
const policy = {
  refreshTokenTtlMinutes: Minutes,
  absoluteSessionLifetimeMinutes: Minutes,
  hasSingleUseRefreshTokens: Nullable(Type.Boolean())
}
const TokenPolicy = Strict(policy)
export const TokenPolicyBody = Strict({
  refreshTokenTtlMinutes: Type.Optional(policy.refreshTokenTtlMinutes),
  absoluteSessionLifetimeMinutes: Type.Optional(policy.absoluteSessionLifetimeMinutes),
  hasSingleUseRefreshTokens: Type.Optional(policy.hasSingleUseRefreshTokens)
})
const Hosts = Type.Array(Text(255), { maxItems: 64, uniqueItems: true })

const VerificationStepResult = Strict(
  {
    step: Type.Enum([...verificationSteps], { type: 'string' }),
    status: Type.Enum(['passed', 'failed', 'skipped'], { type: 'string' }),
    code: Type.Optional(Type.String()),
    detail: Type.Optional(Type.String()),
    owner: Type.Optional(Owner),
    action: Type.Optional(
      Strict({
        text: Type.String(),
        url: Type.Optional(Type.String()),
        value: Type.Optional(Type.String())
      })
    ),
    durationMs: Type.Integer()
  },
  { title: 'VerificationStepResult' }
)

const verification = {
  ok: Type.Boolean(),
  workspaceHost: Type.String(),
  checkedAt: Time,
  steps: Type.Array(VerificationStepResult)
}
export const Verification = Strict(verification, { title: 'AppConnectionVerification' })

export const VerifyBody = Nullable(
  Strict({ workspaceUrl: Type.Optional(Text(4_096)) }, { title: 'VerificationRequest' })
)

export const AppConnection = Strict(
  {
    id: IdOfKind('appConnection'),
    name: Type.String(),
    provider: Provider,
    accountHost: Nullable(Type.String()),
    accountId: Nullable(Type.String()),
    clientId: Nullable(Type.String()),
    clientSecrets: Type.Array(ClientSecret),
    clientAuthMethod: ClientAuthMethod,
    scopes: Type.Array(Type.String()),
    isDefault: Type.Boolean(),
    isDisabled: Type.Boolean(),
    allowedHosts: Type.Array(Type.String()),
    tokenPolicy: TokenPolicy,
    registrationId: Nullable(Type.String()),
    status: Type.Enum(['draft', 'ready', 'verified', 'disabled'], { type: 'string' }),
    lastVerification: Nullable(Strict(verification)),
    warnings: Type.Array(
      Strict({
        code: Type.Enum(['secret_expiring'], { type: 'string' }),
        message: Type.String(),
        owner: Owner
      })
    ),
    redirectUri: Type.String({ format: 'uri' }),
    version: Type.Integer(),
    createdAt: Time,
    updatedAt: Time
  },
  { title: 'AppConnection' }
)

export const AppConnectionBody = Strict(
  {
    name: Text(120),
    provider: Provider,
    accountHost: Type.Optional(Text(255)),
    accountId: Type.Optional(Text(64)),
    clientId: Type.Optional(Text(255)),
    clientSecret: Type.Optional(ClientSecretText),
    clientAuthMethod: Type.Optional(ClientAuthMethod),
    scopes: Type.Optional(Scopes),
    isDefault: Type.Optional(Type.Boolean()),
    allowedHosts: Type.Optional(Hosts),
    tokenPolicy: Type.Optional(TokenPolicyBody)
  },
  { title: 'NewAppConnection' }
)

export const AppConnectionPatchBody = Strict(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    name: Type.Optional(Text(120)),
    accountHost: Type.Optional(Nullable(Text(255))),
    accountId: Type.Optional(Nullable(Text(64))),
    clientId: Type.Optional(Nullable(Text(255))),
    clientSecret: Type.Optional(ClientSecretText),
    clientAuthMethod: Type.Optional(ClientAuthMethod),
    scopes: Type.Optional(Scopes),
    isDefault: Type.Optional(Type.Boolean()),
    isDisabled: Type.Optional(Type.Boolean()),
    allowedHosts: Type.Optional(Hosts),
    tokenPolicy: Type.Optional(TokenPolicyBody)
  },
  { title: 'AppConnectionPatch', description: 'JSON merge patch (RFC 7396)' }
)

/** The body with its secret wrapped, from here on. */
export function newAppConnection(body: Static<typeof AppConnectionBody>): NewAppConnection {
  const { clientSecret, ...rest } = body
  return { ...rest, ...wrapped(clientSecret) }
}

export function appConnectionPatch(
  body: Static<typeof AppConnectionPatchBody>,
  version: number
): AppConnectionPatch {
  const { clientSecret, ...rest } = body
  return { ...rest, version, ...wrapped(clientSecret) }
}

function wrapped(clientSecret: string | undefined): { clientSecret?: Secret } {
  return clientSecret === undefined ? {} : { clientSecret: new Secret(clientSecret) }
}

export const AppConnectionSetup = Strict(
  {
    redirectUri: Type.String({ format: 'uri' }),
    scopes: Type.Array(Type.String()),
    propagationMinutes: Type.Integer(),
    clouds: Type.Array(
      Strict({
        cloud: Type.String(),
        cloudName: Type.String(),
        consoleUrl: Type.String({ format: 'uri' }),
        consolePath: Type.Array(Type.String()),
        steps: Type.Array(Strict({ text: Type.String(), values: Type.Array(Type.String()) })),
        command: Type.String()
      })
    )
  },
  { title: 'AppConnectionSetup' }
)

export const AppConnectionUsage = Strict(
  {
    fabrics: Type.Array(
      Strict({
        id: IdOfKind('fabric'),
        name: Type.String(),
        teamId: IdOfKind('team'),
        isByDefault: Type.Boolean()
      })
    ),
    signIns: Type.Integer(),
    people: Type.Integer(),
    whatFollows: Strict({
      disabled: Type.Array(Type.String()),
      deleted: Type.Array(Type.String())
    })
  },
  { title: 'AppConnectionUsage' }
)

export const RemovalQuery = Strict({
  endSignIns: Type.Optional(
    Type.Enum(['true', 'false'], {
      type: 'string',
      description: '`true` agrees to what would end'
    })
  )
})

const TeamCapability = Strict(
  {
    id: IdOfKind('team'),
    name: Type.String(),
    available: Type.Boolean(),
    reason: Nullable(Type.String()),
    unserved: Type.Array(
      Strict({
        id: IdOfKind('fabric'),
        name: Type.String(),
        code: Type.Enum(['app_connection_missing', 'host_not_allowed'], { type: 'string' })
      })
    )
  },
  { title: 'TeamCapability' }
)

export const Capability = Strict(
  {
    provider: Provider,
    authMethod: Type.Enum(['oauth', 'pat'], { type: 'string' }),
    available: Type.Boolean(),
    reason: Nullable(Type.String()),
    owner: Nullable(Type.String()),
    contacts: Type.Array(Strict({ name: Type.String(), email: Type.String() })),
    teams: Type.Array(TeamCapability)
  },
  { title: 'Capability' }
)
