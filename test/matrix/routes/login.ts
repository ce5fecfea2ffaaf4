import type { Entries } from '../entry.ts'

export const loginEntries: Entries = {
  'GET /api/v1/login-providers': {},
  'POST /api/v1/login-providers': {
    body: (id) => ({
      name: id.unique,
      kind: 'oidc',
      issuer: 'https://idp.test',
      clientId: id.unique,
      clientSecret: 'a secret',
      groupMappings: [{ groupId: 'g', teamId: id('team') }]
    })
  },
  'GET /api/v1/login-providers/:loginProviderId': {},
  'PATCH /api/v1/login-providers/:loginProviderId': {
    body: (id) => ({ version: 1, groupMappings: [{ groupId: 'g', teamId: id('team') }] })
  },
  'DELETE /api/v1/login-providers/:loginProviderId': {},
  'POST /api/v1/login-providers/:loginProviderId/verify': {},

  // Several ways in: a page to choose by, which names them to whoever asks.
  'GET /auth/login': { query: () => ({ tenant: 'acme' }), open: 200 },
  'GET /auth/callback/:loginProviderId': { query: () => ({ state: 'unknown' }), open: 403 },
  // A login provider that there is, which the login page names, is asked for its keys: its room's own tests.
  'POST /auth/backchannel-logout/:loginProviderId': {
    params: { loginProviderId: `lgp_${'0'.repeat(26)}` },
    form: () => ({ logout_token: 'unknown' }),
    open: 400
  },
  'POST /auth/logout': { open: 200, endsSession: true }
}
