import type { Entries } from '../entry.ts'

const credentials = { clientId: 'account-admin', clientSecret: 'canary-account-admin' }

/** Allowed, and there is no account to ask. */
const refused = (allowed: number) => ({ allowed, changes: false })
const unregistered = { body: () => credentials, ...refused(409) }

export const appConnectionEntries: Entries = {
  'GET /api/v1/app-connections': {},
  'POST /api/v1/app-connections': { body: (id) => ({ name: id.unique, provider: 'databricks' }) },
  'GET /api/v1/app-connections/:appConnectionId': {},
  'PATCH /api/v1/app-connections/:appConnectionId': {
    body: (id) => ({ version: 1, name: id.unique })
  },
  'DELETE /api/v1/app-connections/:appConnectionId': {},
  'POST /api/v1/app-connections/:appConnectionId/client-secrets': {
    body: (id) => ({ clientSecret: `secret ${id.unique}` })
  },
  'DELETE /api/v1/app-connections/:appConnectionId/client-secrets/:clientSecretId': {},
  'GET /api/v1/app-connections/:appConnectionId/setup': {},
  'GET /api/v1/app-connections/:appConnectionId/usage': {},
  'POST /api/v1/app-connections/:appConnectionId/verify': {
    body: (id) => ({ workspaceUrl: id.workspace })
  },
  'POST /api/v1/app-connections/register': {
    body: (id) => ({
      name: id.unique,
      accountHost: 'accounts.cloud.databricks.com.example',
      accountId: '7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910',
      ...credentials
    }),
    ...refused(400)
  },
  'POST /api/v1/app-connections/:appConnectionId/registration/check': unregistered,
  'POST /api/v1/app-connections/:appConnectionId/registration/mend': unregistered,
  'POST /api/v1/app-connections/:appConnectionId/registration/delete': unregistered,
  'GET /api/v1/capabilities': {}
}
