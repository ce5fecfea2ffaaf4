import type { Static } from 'typebox'
import { invalidRequest } from '../../base/errors.ts'
import type { FabricPatch, NewFabric } from '../../fabrics/fabrics.ts'
import type { ServicePrincipalInput } from '../../fabrics/service-principal.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, PageQuery, Strict, Text, Time } from '../route.ts'
import { Provider } from './app-connection.ts'
import { ClientSecret, ClientSecretText, clientSecretInput, ExpiryTime } from './client-secret.ts'
import { Owner } from './problem.ts'

const Kind = Type.Enum(['spark', 'sql'], { type: 'string' })
const Status = Type.Enum(['draft', 'complete'], { type: 'string' })
const AuthMethod = Type.Enum(['oauth', 'pat'], { type: 'string' })
const ServicePrincipalUse = Type.Enum(['admins', 'team'], { type: 'string' })
const WorkspaceUrl = Text(512)
const JdbcUrl = Text(4_096, { description: 'Parsed into host and HTTP path; credentials dropped' })
const EndpointNames = Type.Array(Text(63, { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' }), {
  maxItems: 256,
  uniqueItems: true
})

const computeMembers = {
  warehouseId: Text(64),
  clusterId: Text(128),
  serverless: Type.Boolean(),
  httpPath: Text(512),
  catalog: Text(255),
  schema: Text(255)
}
const Compute = Strict({
  warehouseId: Type.Optional(computeMembers.warehouseId),
  clusterId: Type.Optional(computeMembers.clusterId),
  serverless: Type.Optional(computeMembers.serverless),
  httpPath: Type.Optional(computeMembers.httpPath),
  catalog: Type.Optional(computeMembers.catalog),
  schema: Type.Optional(computeMembers.schema)
})
const ComputePatch = Strict({
  warehouseId: Type.Optional(Nullable(computeMembers.warehouseId)),
  clusterId: Type.Optional(Nullable(computeMembers.clusterId)),
  serverless: Type.Optional(Nullable(computeMembers.serverless)),
  httpPath: Type.Optional(Nullable(computeMembers.httpPath)),
  catalog: Type.Optional(Nullable(computeMembers.catalog)),
  schema: Type.Optional(Nullable(computeMembers.schema))
})

const JobSizes = Type.Array(
  Strict({
    name: Text(64, { pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]*$' }),
    cluster: Type.Record(Type.String(), Type.Unknown(), {
      description: "Databricks' `new_cluster`, passed on as it is; no secret belongs in it"
    })
  }),
  { maxItems: 16, description: 'Spark: the clusters that a deployment can be given, by name' }
)
const Production = Type.Boolean({ description: 'Needs a service principal' })

const deadlineMembers = {
  connectMs: Milliseconds(10_000, '5 s unless set: name look-up, TCP and TLS'),
  firstByteMs: Milliseconds(1_800_000, '300 s unless set: from the request to the answer'),
  idleMs: Milliseconds(1_800_000, '120 s unless set: between two pieces of an answer'),
  totalMs: Milliseconds(14_400_000, 'an hour unless set')
}
const Deadlines = Strict({
  connectMs: Type.Optional(deadlineMembers.connectMs),
  firstByteMs: Type.Optional(deadlineMembers.firstByteMs),
  idleMs: Type.Optional(deadlineMembers.idleMs),
  totalMs: Type.Optional(deadlineMembers.totalMs)
})
const DeadlinesPatch = Strict({
  connectMs: Type.Optional(Nullable(deadlineMembers.connectMs)),
  firstByteMs: Type.Optional(Nullable(deadlineMembers.firstByteMs)),
  idleMs: Type.Optional(Nullable(deadlineMembers.idleMs)),
  totalMs: Type.Optional(Nullable(deadlineMembers.totalMs))
})

function Milliseconds(maximum: number, description: string) {
  return Type.Integer({ minimum: 100, maximum, description })
}

const ServicePrincipal = Strict(
  {
    clientId: Text(255),
    clientSecret: Type.Optional(ClientSecretText),
    expiresAt: Type.Optional(ExpiryTime),
    federated: Type.Optional(Type.Boolean())
  },
  { description: 'With `clientSecret`, or with `federated: true` and no secret' }
)

const GrantState = [
  'pending',
  'active',
  'degraded',
  'needs_sign_in',
  'misconfigured',
  'paused',
  'revoked'
] as const

const Warnings = Type.Array(
  Strict({
    code: Type.Enum(
      [
        'service_principal_missing',
        'deployment_orphaned',
        'app_connection_missing',
        'secret_expiring',
        'sign_in_expiring'
      ],
      { type: 'string' }
    ),
    message: Type.String(),
    owner: Owner
  })
)

export const Fabric = Strict(
  {
    id: IdOfKind('fabric'),
    slug: Type.String(),
    name: Type.String(),
    description: Type.String(),
    teamId: IdOfKind('team'),
    kind: Kind,
    provider: Provider,
    workspaceUrl: Type.String(),
    authMethod: AuthMethod,
    appConnectionId: Nullable(IdOfKind('appConnection')),
    servicePrincipal: Nullable(
      Strict({
        clientId: Type.String(),
        federated: Type.Boolean(),
        clientSecret: Nullable(
          Strict({
            isSet: Type.Literal(true),
            hint: Type.String(),
            setAt: Time,
            lastUsedAt: Nullable(Time)
          })
        ),
        clientSecrets: Type.Array(ClientSecret)
      })
    ),
    servicePrincipalUse: ServicePrincipalUse,
    compute: Compute,
    jobSizes: JobSizes,
    production: Production,
    endpointAllowList: Nullable(Type.Array(Type.String())),
    deadlines: Deadlines,
    status: Status,
    warnings: Warnings,
    health: Strict({
      state: Type.Enum([...GrantState, 'unknown'], { type: 'string' }),
      since: Nullable(Time)
    }),
    version: Type.Integer(),
    createdAt: Time,
    updatedAt: Time
  },
  { title: 'Fabric' }
)

export const newFabricMembers = {
  name: Text(120),
  description: Type.Optional(Type.String({ maxLength: 2_000 })),
  teamId: IdOfKind('team'),
  kind: Kind,
  provider: Provider,
  workspaceUrl: Type.Optional(WorkspaceUrl),
  jdbcUrl: Type.Optional(JdbcUrl),
  authMethod: AuthMethod,
  appConnectionId: Type.Optional(IdOfKind('appConnection')),
  servicePrincipal: Type.Optional(ServicePrincipal),
  servicePrincipalUse: Type.Optional(ServicePrincipalUse),
  compute: Type.Optional(Compute),
  jobSizes: Type.Optional(JobSizes),
  production: Type.Optional(Production),
  endpointAllowList: Type.Optional(EndpointNames),
  deadlines: Type.Optional(Deadlines)
}

export const FabricFilters = Strict({
  ...PageQuery.properties,
  kind: Type.Optional(Kind),
  teamId: Type.Optional(IdOfKind('team')),
  status: Type.Optional(Status),
  q: Type.Optional(Text(120, { description: 'What the name holds, whatever the case' }))
})

export const TransferBody = Strict(
  { teamId: IdOfKind('team'), version: Type.Optional(Type.Integer({ minimum: 1 })) },
  { title: 'FabricTransferRequest' }
)

export const Transfer = Strict(
  {
    fabric: Fabric,
    dropped: Strict({
      servicePrincipal: Nullable(Type.String({ description: 'Its client id' })),
      serviceAccountIds: Type.Array(IdOfKind('serviceAccount'))
    })
  },
  { title: 'FabricTransfer' }
)

export const FabricBody = Strict(newFabricMembers, {
  title: 'NewFabric',
  description: 'Exactly one of `workspaceUrl` and `jdbcUrl`'
})

export const FabricPatchBody = Strict(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    name: Type.Optional(Text(120)),
    description: Type.Optional(Nullable(Type.String({ maxLength: 2_000 }))),
    workspaceUrl: Type.Optional(WorkspaceUrl),
    jdbcUrl: Type.Optional(JdbcUrl),
    appConnectionId: Type.Optional(Nullable(IdOfKind('appConnection'))),
    servicePrincipal: Type.Optional(Nullable(ServicePrincipal)),
    servicePrincipalUse: Type.Optional(ServicePrincipalUse),
    compute: Type.Optional(Nullable(ComputePatch)),
    jobSizes: Type.Optional(Nullable(JobSizes)),
    production: Type.Optional(Production),
    endpointAllowList: Type.Optional(Nullable(EndpointNames)),
    deadlines: Type.Optional(Nullable(DeadlinesPatch))
  },
  { title: 'FabricPatch', description: 'JSON merge patch (RFC 7396)' }
)

/** The body with its secret wrapped, from here on. */
export function newFabric(body: Static<typeof FabricBody>): NewFabric {
  const { servicePrincipal, ...rest } = body
  if (servicePrincipal === undefined) return rest
  return { ...rest, servicePrincipal: wrapped(servicePrincipal) }
}

export function fabricPatch(body: Static<typeof FabricPatchBody>, version: number): FabricPatch {
  const { servicePrincipal, ...rest } = body
  if (servicePrincipal === undefined) return { ...rest, version }
  return {
    ...rest,
    version,
    servicePrincipal: servicePrincipal === null ? null : wrapped(servicePrincipal)
  }
}

function wrapped(body: Static<typeof ServicePrincipal>): ServicePrincipalInput {
  const { clientId, clientSecret, expiresAt, federated = false } = body
  if (federated && clientSecret === undefined && expiresAt === undefined) {
    return { clientId, federated }
  }
  if (clientSecret === undefined || federated) {
    const message = 'give it, or federated: true, and not both'
    throw invalidRequest('/servicePrincipal/clientSecret', message)
  }
  const secret = expiresAt === undefined ? { clientSecret } : { clientSecret, expiresAt }
  return { clientId, ...clientSecretInput(secret) }
}

export const NewPersonalAccessToken = Strict(
  {
    token: Text(1_024, { pattern: '^[A-Za-z0-9._~+/-]+=*$', writeOnly: true }),
    expiresAt: Type.Optional(ExpiryTime)
  },
  { title: 'NewPersonalAccessToken' }
)

export const Connection = Strict(
  {
    state: Type.Enum(GrantState, { type: 'string' }),
    since: Nullable(Time),
    cause: Nullable(Type.String()),
    workspaceUser: Nullable(Strict({ userName: Type.String(), id: Type.String() })),
    accessTokenExpiresAt: Nullable(Time),
    predictedSignInAt: Nullable(Time),
    nextTryAt: Nullable(Time),
    warnings: Warnings
  },
  { title: 'Connection' }
)

const SignInDisplay = Type.Enum(['page', 'popup'], {
  type: 'string',
  description:
    'Where it ends: at `returnTo`, or on a small page that tells the window that opened it and closes'
})

export const SignInBody = Nullable(
  Strict(
    {
      returnTo: Type.Optional(Text(2_048)),
      display: Type.Optional(SignInDisplay),
      switchUser: Type.Optional(
        Type.Boolean({
          description: "The connection may become another workspace user's than it is"
        })
      ),
      asksWho: Type.Optional(
        Type.Boolean({ description: 'The workspace is to ask who one is, where it can' })
      )
    },
    { title: 'NewSignIn' }
  )
)
export const SignInStarted = Strict(
  {
    attemptId: IdOfKind('signInAttempt'),
    authorizationUrl: Type.String({ format: 'uri' }),
    expiresAt: Time
  },
  { title: 'SignInStarted' }
)
export const SignInAttempt = Strict(
  {
    id: IdOfKind('signInAttempt'),
    fabricId: IdOfKind('fabric'),
    status: Type.Enum(['pending', 'succeeded', 'failed', 'expired'], { type: 'string' }),
    code: Nullable(Type.String()),
    detail: Nullable(Type.String()),
    owner: Nullable(Owner),
    workspaceUser: Nullable(
      Strict(
        { userName: Type.String(), id: Type.String() },
        { description: 'Who signed in at the workspace, as far as it came to that' }
      )
    ),
    mismatch: Nullable(
      Type.Enum(['another_user', 'another_email'], {
        type: 'string',
        description:
          "`another_user`: the connection stands for somebody else, and still does; `another_email`: it was kept, and the workspace's user name is not the person's address"
      })
    ),
    expectedUserName: Nullable(Type.String()),
    display: SignInDisplay,
    returnTo: Nullable(Type.String()),
    createdAt: Time,
    expiresAt: Time,
    finishedAt: Nullable(Time)
  },
  { title: 'SignInAttempt' }
)
