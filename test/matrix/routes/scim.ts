import type { Entries, Naming } from '../entry.ts'

const user = (id: Naming) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: id.unique
})
const group = (id: Naming) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName: id.unique,
  members: [{ value: id('scimUser', { hidden: 400 }) }]
})
const change = (path: string) => (id: Naming) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path, value: id.unique }]
})
const users = { kinds: { id: 'scimUser' } } as const
const groups = { kinds: { id: 'scimGroup' } } as const

export const scimEntries: Entries = {
  'GET /api/v1/scim-tokens': {},
  'POST /api/v1/scim-tokens': { body: (id) => ({ name: id.unique }) },
  'DELETE /api/v1/scim-tokens/:scimTokenId': {},

  'GET /scim/v2/ServiceProviderConfig': {},
  'GET /scim/v2/ResourceTypes': {},
  'GET /scim/v2/Schemas': {},

  'GET /scim/v2/Users': {},
  'POST /scim/v2/Users': { body: user },
  'GET /scim/v2/Users/:id': users,
  'PUT /scim/v2/Users/:id': { ...users, body: user },
  'PATCH /scim/v2/Users/:id': { ...users, body: change('userName') },
  'DELETE /scim/v2/Users/:id': users,

  'GET /scim/v2/Groups': {},
  'POST /scim/v2/Groups': { body: group },
  'GET /scim/v2/Groups/:id': groups,
  'PUT /scim/v2/Groups/:id': { ...groups, body: group },
  'PATCH /scim/v2/Groups/:id': { ...groups, body: change('displayName') },
  'DELETE /scim/v2/Groups/:id': groups
}
