/** What a workspace has that a fabric can point at. */
export type ResourceKind = 'warehouse' | 'cluster' | 'serving_endpoint'

/** Names as the provider has them, in lower case. */
export const resourcePermissions = [
  'can_view',
  'can_monitor',
  'can_query',
  'can_use',
  'can_attach',
  'can_restart',
  'can_manage',
  'is_owner'
] as const
export type ResourcePermission = (typeof resourcePermissions)[number]

/** One of them, whatever its kind. */
export interface Resource {
  readonly id: string
  readonly name: string
  /** The provider's own word, for showing; null: it told none. */
  readonly state: string | null
  /** It works now, or starts by itself when it is asked. */
  readonly isUsable: boolean
  /** What whoever asked may do with it; null: the provider did not tell. */
  readonly permission: ResourcePermission | null
  /** Of a warehouse its type, of a cluster its access mode, of an endpoint its task. */
  readonly type: string | null
  /** Of a warehouse its size, of a cluster its workers. */
  readonly size: string | null
  readonly creator: string | null
}

export interface ResourcePage {
  readonly items: readonly Resource[]
  readonly nextPageToken: string | null
}
