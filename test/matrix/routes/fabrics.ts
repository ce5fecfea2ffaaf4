import type { Entries, Entry, Naming } from '../entry.ts'

const newFabric = (id: Naming) => ({
  name: id.unique,
  teamId: id('team', { operation: 'fabric.create' }),
  kind: 'sql',
  provider: 'databricks',
  authMethod: 'oauth',
  workspaceUrl: id.workspace,
  appConnectionId: id('appConnection')
})

/** Nobody of the cast has signed in at the workspace; a service account needs no sign-in. */
const discovery: Entry = {
  kinds: { fabricId: 'listedFabric' },
  allowed: ({ role }) => (role === 'service_account' ? 200 : 409)
}

/** The fabrics of the matrix have no service principal. */
const withoutPrincipal = 409
const deployed = { kinds: { fabricId: 'deployedFabric' }, params: { name: 'nightly' } } as const
const deployedRun = {
  ...deployed,
  params: { ...deployed.params, runId: '1' },
  allowed: withoutPrincipal
}

export const fabricEntries: Entries = {
  'GET /api/v1/fabrics': {},
  'POST /api/v1/fabrics': { body: newFabric },
  'GET /api/v1/fabrics/:fabricId': {},
  'PATCH /api/v1/fabrics/:fabricId': {
    body: (id) => ({ version: 1, name: id.unique, appConnectionId: id('appConnection') })
  },
  'DELETE /api/v1/fabrics/:fabricId': {},
  'POST /api/v1/fabrics/:fabricId/complete': {},
  'POST /api/v1/fabrics/:fabricId/transfer': {
    body: (id) => ({ version: 1, teamId: id('team', { operation: 'fabric.transfer' }) })
  },
  'GET /api/v1/fabrics/:fabricId/usage': {},
  'POST /api/v1/fabrics/:fabricId/service-principal/client-secrets': {
    kinds: { fabricId: 'principalFabric' },
    body: (id) => ({ clientSecret: `secret ${id.unique}`, expiresAt: id.soon })
  },
  'DELETE /api/v1/fabrics/:fabricId/service-principal/client-secrets/:clientSecretId': {
    kinds: { fabricId: 'principalFabric', clientSecretId: 'principalSecret' }
  },
  'POST /api/v1/fabrics/:fabricId/test-connection': { body: () => ({ as: 'user' }) },
  'POST /api/v1/fabrics/test-connection': {
    body: (id) => ({ ...newFabric(id), as: 'service_principal' })
  },
  'GET /api/v1/fabrics/:fabricId/warehouses': discovery,
  'GET /api/v1/fabrics/:fabricId/clusters': discovery,
  'GET /api/v1/fabrics/:fabricId/serving-endpoints': discovery,
  'GET /api/v1/fabrics/:fabricId/test-results': {},
  'GET /api/v1/fabrics/:fabricId/federation-policy': { allowed: 409 },
  'POST /api/v1/fabrics/:fabricId/federation-policy/register': {
    // Theirs have no service principal.
    body: () => ({
      accountHost: 'accounts.cloud.databricks.com.example',
      accountId: '7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910',
      clientId: 'account-admin',
      clientSecret: 'canary-account-admin'
    }),
    allowed: 409,
    changes: false
  },
  'GET /api/v1/fabrics/:fabricId/deployments': {},
  'GET /api/v1/fabrics/:fabricId/deployments/:name': deployed,
  'PUT /api/v1/fabrics/:fabricId/deployments/:name': {
    ...deployed,
    body: () => ({ settings: { tasks: [{ task_key: 'main' }] } }),
    allowed: withoutPrincipal
  },
  'DELETE /api/v1/fabrics/:fabricId/deployments/:name': {
    ...deployed,
    query: () => ({ forget: 'true' })
  },
  'GET /api/v1/fabrics/:fabricId/deployments/:name/runs': {
    ...deployed,
    allowed: withoutPrincipal
  },
  'POST /api/v1/fabrics/:fabricId/deployments/:name/runs': {
    ...deployed,
    allowed: withoutPrincipal
  },
  'GET /api/v1/fabrics/:fabricId/deployments/:name/runs/:runId': deployedRun,
  'POST /api/v1/fabrics/:fabricId/deployments/:name/runs/:runId/cancel': deployedRun,
  'POST /api/v1/fabrics/:fabricId/sign-in': {},
  'GET /sign-in/:fabricId': { allowed: 302, stranger: 302, changes: true },
  'GET /oauth/callback/:appConnectionId': {
    // Who holds no attempt's state is told nothing of the app connection.
    query: () => ({ state: 'unknown', code: 'unknown' }),
    allowed: 410,
    hidden: 410
  },
  'GET /api/v1/sign-in-attempts/:signInAttemptId': {},
  'GET /sign-in/attempts/:signInAttemptId': { allowed: 200 },
  'PUT /api/v1/fabrics/:fabricId/personal-access-token': {
    // It takes no token: people sign in by OAuth.
    body: () => ({ token: 'dapi-of-no-use' }),
    allowed: 409,
    changes: false
  },
  'GET /api/v1/fabrics/:fabricId/connection': {},
  'DELETE /api/v1/fabrics/:fabricId/connection': {},
  'GET /api/v1/export': {},
  'PUT /api/v1/import': {
    body: (id) => ({
      weft: 1,
      appConnections: [{ name: id.unique, isDefault: false }]
    })
  }
}
