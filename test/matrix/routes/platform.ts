import type { Entries } from '../entry.ts'

const page = { open: 200 }

export const platformEntries: Entries = {
  'GET /api/v1/tenants': {},
  'POST /api/v1/tenants': { body: (id) => ({ slug: id.unique, name: id.unique }) },
  'GET /api/v1/tenants/:tenantId': {},
  'PATCH /api/v1/tenants/:tenantId': { body: (id) => ({ version: 1, name: id.unique }) },
  'POST /api/v1/tenants/:tenantId/suspend': {},
  'POST /api/v1/tenants/:tenantId/resume': {},
  'DELETE /api/v1/tenants/:tenantId': { query: (id) => ({ confirm: id.path.slug ?? 'nothing' }) },
  // Of a tenant that is not erased there is no receipt.
  'GET /api/v1/tenants/:tenantId/erasure': { allowed: 404 },

  'GET /api/v1/operations': {},
  'GET /api/v1/operations/keys': {},
  'POST /api/v1/tenants/:tenantId/incident-revocations': {
    body: (id) => ({ confirm: id.path.slug ?? 'nothing' })
  },
  'GET /api/v1/tenants/:tenantId/incident-revocations/:incidentId': {},

  'GET /api/v1/audit-events': { query: (id) => ({ fabric: id('fabric', { hidden: 200 }) }) },
  'GET /api/v1/audit-events/verify': {},
  // What was signed elsewhere is no head of this Weft.
  'POST /api/v1/audit-events/verify': {
    body: () => ({ anchors: ['eyJhbGciOiJFUzI1NiJ9.eyJzZXEiOjF9.AAAA'] }),
    allowed: 400,
    changes: false
  },
  'GET /api/v1/audit-events/head': {},
  'POST /api/v1/audit-events/find-token': {
    body: () => ({ token: 'wfts_of_nobody' }),
    allowed: 404
  },

  'GET /healthz': page,
  'GET /readyz': page,
  'GET /api/v1/openapi.json': page,
  'GET /': { open: 302 },
  'GET /console': page,
  'GET /sign-in/sign-in.js': page,
  'HEAD /console': page,
  'GET /console/*': { ...page, params: { '*': 'fabrics' } },
  'HEAD /console/*': { ...page, params: { '*': 'fabrics' } },
  'GET /problems/page.css': page,
  'GET /problems/:code': { ...page, params: { code: 'internal' } }
}
