import { Type } from '../json-schema.ts'
import { Nullable, Strict, Text } from '../route.ts'
import { AppConnectionBody, AppConnectionPatchBody } from './app-connection.ts'
import { FabricBody, FabricPatchBody } from './fabric.ts'

const {
  version: _version,
  clientSecret: _secret,
  ...ofConnection
} = AppConnectionPatchBody.properties
const AppConnectionSettings = Strict(
  {
    ...ofConnection,
    name: AppConnectionBody.properties.name,
    provider: Type.Optional(AppConnectionBody.properties.provider)
  },
  { title: 'AppConnectionSettings' }
)

const PrincipalSettings = Strict({
  clientId: Text(255),
  federated: Type.Optional(
    Type.Literal(true, { type: 'boolean', description: 'It needs no secret' })
  )
})

const ofFabric = FabricBody.properties
const FabricSettings = Strict(
  {
    name: ofFabric.name,
    team: Type.Optional(Text(200, { description: 'Its name, or its id where two share a name' })),
    description: ofFabric.description,
    kind: Type.Optional(ofFabric.kind),
    provider: Type.Optional(ofFabric.provider),
    workspaceUrl: ofFabric.workspaceUrl,
    authMethod: Type.Optional(ofFabric.authMethod),
    appConnection: Type.Optional(
      Nullable(Text(120, { description: 'By its name; null: the provider’s default' }))
    ),
    servicePrincipal: Type.Optional(Nullable(PrincipalSettings)),
    servicePrincipalUse: ofFabric.servicePrincipalUse,
    compute: ofFabric.compute,
    endpointAllowList: FabricPatchBody.properties.endpointAllowList,
    deadlines: ofFabric.deadlines,
    jobSizes: ofFabric.jobSizes,
    production: ofFabric.production,
    status: Type.Optional(Type.Enum(['draft', 'complete'], { type: 'string' }))
  },
  { title: 'FabricSettings' }
)

export const Settings = Strict(
  {
    weft: Type.Literal(1, { type: 'integer', description: 'Version of this format' }),
    appConnections: Type.Optional(Type.Array(AppConnectionSettings, { maxItems: 200 })),
    fabrics: Type.Optional(Type.Array(FabricSettings, { maxItems: 500 }))
  },
  {
    title: 'Settings',
    description:
      'Resources are matched by name. What is absent stays as it is; lists and objects are replaced whole.'
  }
)

const Credentials = Type.Object({
  client_id: Text(255),
  client_secret: Text(1_024, { writeOnly: true })
})
const ProphecyFabric = Type.Object({
  id: Type.Optional(
    Type.Unsafe<string | number | null>({ type: ['string', 'integer', 'null'], maxLength: 120 })
  ),
  name: Type.Optional(Nullable(Type.String({ maxLength: 120 }))),
  type: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
  provider: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
  databricks: Type.Optional(
    Nullable(
      Type.Object({
        url: Text(512),
        token: Type.Optional(Nullable(Type.String({ maxLength: 4_096 }))),
        auth_type: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
        oauth_credentials: Type.Optional(Nullable(Credentials))
      })
    )
  )
})
/** What is read of a file of the Prophecy Build Tool's; its other members are allowed, and told. */
export const ProphecySettings = Type.Object({
  fabrics: Type.Array(ProphecyFabric, { maxItems: 500 })
})

const flag = (description: string) =>
  Type.Optional(Type.Enum(['true', 'false'], { type: 'string', description }))

export const ImportQuery = Strict({
  dryRun: flag('`true`: tells what would come of it, and does nothing'),
  prune: flag('`true`: deletes what the document does not name, but for app connections in use'),
  team: Type.Optional(
    Text(200, { description: 'Whose the fabrics of a Prophecy Build Tool file become' })
  )
})

const Count = Type.Integer({ minimum: 0 })
export const SettingsImport = Strict(
  {
    isDryRun: Type.Boolean(),
    format: Type.Enum(['weft', 'prophecy'], { type: 'string' }),
    counts: Strict({
      create: Count,
      update: Count,
      unchanged: Count,
      delete: Count,
      keep: Count
    }),
    resources: Type.Array(
      Strict({
        kind: Type.Enum(['app_connection', 'fabric'], { type: 'string' }),
        name: Type.String(),
        id: Type.Unsafe<string | null>({
          type: ['string', 'null'],
          description: 'Null: it would be made'
        }),
        action: Type.Enum(['create', 'update', 'unchanged', 'delete', 'keep'], { type: 'string' }),
        changes: Type.Array(
          Strict({ member: Type.String(), from: Type.Unknown(), to: Type.Unknown() })
        ),
        toDo: Type.Array(
          Strict({
            code: Type.Enum(
              [
                'client_secret_to_set',
                'redirect_uri_to_register',
                'service_principal_secret_to_set',
                'to_complete'
              ],
              { type: 'string' }
            ),
            message: Type.String()
          }),
          { description: 'What is left for people to do: no document can' }
        )
      })
    ),
    notices: Type.Array(Strict({ pointer: Type.String(), message: Type.String() }), {
      description: 'What was read and is not taken over, and what was kept'
    })
  },
  { title: 'SettingsImport' }
)
