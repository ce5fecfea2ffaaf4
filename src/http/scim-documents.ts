import type { PublicUrl } from './public-url.ts'
import { schemaIds } from './scim-resources.ts'

const pageMax = 200

interface Attribute {
  readonly name: string
  readonly type?: 'string' | 'boolean' | 'complex'
  readonly required?: boolean
  readonly multiValued?: boolean
  readonly mutability?: 'readWrite' | 'readOnly'
  readonly uniqueness?: 'none' | 'server'
  readonly caseExact?: boolean
  readonly subAttributes?: readonly Attribute[]
}

function attribute({ name, type = 'string', subAttributes, ...more }: Attribute): object {
  return {
    name,
    type,
    multiValued: more.multiValued ?? false,
    required: more.required ?? false,
    caseExact: more.caseExact ?? false,
    mutability: more.mutability ?? 'readWrite',
    returned: 'default',
    uniqueness: more.uniqueness ?? 'none',
    ...(subAttributes && { subAttributes: subAttributes.map(attribute) })
  }
}

const nameParts = ['formatted', 'familyName', 'givenName', 'middleName'].map((name) => ({ name }))
const reference: readonly Attribute[] = [{ name: 'value' }, { name: 'display' }]
const userAttributes: readonly Attribute[] = [
  { name: 'userName', required: true, uniqueness: 'server' },
  { name: 'name', type: 'complex', subAttributes: nameParts },
  { name: 'displayName' },
  { name: 'active', type: 'boolean' },
  {
    name: 'emails',
    type: 'complex',
    multiValued: true,
    subAttributes: [
      { name: 'value' },
      { name: 'type' },
      { name: 'display' },
      { name: 'primary', type: 'boolean' }
    ]
  },
  {
    name: 'groups',
    type: 'complex',
    multiValued: true,
    mutability: 'readOnly',
    subAttributes: reference
  }
]
const groupAttributes: readonly Attribute[] = [
  { name: 'displayName', required: true, uniqueness: 'server', caseExact: true },
  { name: 'members', type: 'complex', multiValued: true, subAttributes: reference }
]

/** What this SCIM server can do (RFC 7643 §5 to §7), by the last part of its path. */
export function scimDocuments(publicUrl: PublicUrl) {
  const at = (path: string) => publicUrl.at(`/scim/v2/${path}`)
  const schemaOf = (id: string, name: string, attributes: readonly Attribute[]) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id,
    name,
    description: name,
    attributes: attributes.map(attribute),
    meta: { resourceType: 'Schema', location: at(`Schemas/${id}`) }
  })
  const typeOf = (name: string, schema: string) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint: `/${name}s`,
    schema,
    meta: { resourceType: 'ResourceType', location: at(`ResourceTypes/${name}`) }
  })
  const schemas = [
    schemaOf(schemaIds.user, 'User', userAttributes),
    schemaOf(schemaIds.group, 'Group', groupAttributes)
  ]
  const types = [typeOf('User', schemaIds.user), typeOf('Group', schemaIds.group)]
  const config = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: pageMax },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token that a tenant admin made (wftc_…)',
        primary: true
      }
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: at('ServiceProviderConfig') }
  }
  return { schemas, types, config }
}
