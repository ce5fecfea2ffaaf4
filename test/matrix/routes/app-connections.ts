import type { Entries } from '../entry.ts'

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
  'GET /api/v1/capabilities': {}
}
