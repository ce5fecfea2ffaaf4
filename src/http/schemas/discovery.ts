import { Type } from '../json-schema.ts'
import { Nullable, Strict, Text } from '../route.ts'

const As = Type.Enum(['user', 'service_principal'], { type: 'string' })

export const DiscoveryFilters = Strict({
  q: Type.Optional(Text(255, { description: 'What the name or the id holds, whatever the case' })),
  as: Type.Optional(
    Type.Enum(['user', 'service_principal'], {
      type: 'string',
      description: 'Default: a person as themself, a service account as the service principal'
    })
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Text(4_096))
})

const permissions = [
  'can_view',
  'can_monitor',
  'can_query',
  'can_use',
  'can_attach',
  'can_restart',
  'can_manage',
  'is_owner'
]

export const WorkspaceResource = Strict(
  {
    id: Type.String(),
    name: Type.String({ description: 'A serving endpoint is asked by its name' }),
    state: Nullable(
      Type.String({
        description: "Databricks' own word: RUNNING, STOPPED, TERMINATED, READY, NOT_READY, …"
      })
    ),
    isUsable: Type.Boolean({
      description:
        'It works now or starts by itself when it is asked, as a stopped warehouse does and a terminated cluster does not'
    }),
    permission: Nullable(
      Type.Enum(permissions, {
        type: 'string',
        description: 'Of whoever it was looked up as; null: Databricks does not tell'
      })
    ),
    type: Nullable(
      Type.String({
        description:
          'Of a warehouse SERVERLESS, PRO or CLASSIC, of a cluster its access mode, of an endpoint its task'
      })
    ),
    size: Nullable(
      Type.String({ description: 'Of a warehouse its size, of a cluster its number of workers' })
    ),
    creator: Nullable(Type.String())
  },
  { title: 'WorkspaceResource' }
)

export const Discovery = Strict(
  {
    items: Type.Array(WorkspaceResource, { description: 'By name' }),
    nextCursor: Nullable(Type.String()),
    identity: As,
    isCut: Type.Boolean({ description: 'The workspace has more than Weft reads (5,000 or more)' })
  },
  { title: 'Discovery' }
)
