import type { ScimGroupView, ScimPage, ScimUserView } from '../identity/identity.ts'
import type { PublicUrl } from './public-url.ts'

export const schemaIds = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  list: 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
} as const

export type Resource = { readonly schemas: readonly string[] } & Readonly<Record<string, unknown>>

/** What a User looks like on the wire (RFC 7643 §4.1). */
export function userResource(publicUrl: PublicUrl, user: ScimUserView): Resource {
  const { id, userName, externalId, isActive, displayName, name, emails, groups } = user
  return {
    schemas: [schemaIds.user],
    id,
    ...(externalId !== null && { externalId }),
    userName,
    ...(Object.keys(name).length > 0 && { name }),
    ...(displayName !== null && { displayName }),
    emails,
    active: isActive,
    groups: groups.map((group) => ({ value: group.id, display: group.name })),
    meta: metaOf(publicUrl, 'User', user)
  }
}

/** What a Group looks like on the wire (RFC 7643 §4.2). */
export function groupResource(
  publicUrl: PublicUrl,
  group: ScimGroupView,
  hasMembers: boolean
): Resource {
  const { id, displayName, externalId, members } = group
  return {
    schemas: [schemaIds.group],
    id,
    ...(externalId !== null && { externalId }),
    displayName,
    ...(hasMembers && {
      members: members.map((member) => ({ value: member.id, display: member.userName }))
    }),
    meta: metaOf(publicUrl, 'Group', group)
  }
}

/** RFC 7644 §3.4.2. */
export function listResource<T>(
  { total, startIndex, items }: ScimPage<T>,
  resource: (item: T) => unknown
): Resource {
  return {
    schemas: [schemaIds.list],
    totalResults: total,
    startIndex,
    itemsPerPage: items.length,
    Resources: items.map(resource)
  }
}

function metaOf(
  publicUrl: PublicUrl,
  resourceType: 'User' | 'Group',
  { id, createdAt, updatedAt }: { id: string; createdAt: Date; updatedAt: Date }
) {
  return {
    resourceType,
    created: createdAt.toISOString(),
    lastModified: updatedAt.toISOString(),
    location: publicUrl.at(`/scim/v2/${resourceType}s/${id}`)
  }
}
