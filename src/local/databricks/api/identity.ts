import type { Identity } from '../registry.ts'
import { ok, type Route } from './answer.ts'

export function identityRoutes(): Route[] {
  return [
    {
      method: 'GET',
      pattern: /^\/api\/2\.0\/preview\/scim\/v2\/Me$/,
      scope: null,
      handle: ({ caller }) => ok(scimMe(caller))
    }
  ]
}

function scimMe({ kind, id, userName, displayName }: Identity) {
  const [givenName = '', ...family] = displayName.split(' ')
  const isPerson = kind === 'user'
  return {
    schemas: [
      'urn:ietf:params:scim:schemas:core:2.0:User',
      'urn:ietf:params:scim:schemas:extension:workspace:2.0:User'
    ],
    id,
    userName,
    displayName,
    ...(isPerson
      ? {
          name: { givenName, familyName: family.join(' ') },
          emails: [{ type: 'work', value: userName, primary: true }]
        }
      : { applicationId: userName }),
    groups: [{ display: 'users', type: 'direct', value: '1', $ref: 'Groups/1' }],
    entitlements: [{ value: 'workspace-access' }, { value: 'databricks-sql-access' }],
    roles: [],
    active: true
  }
}
