import type { Entries } from '../entry.ts'

export const peopleEntries: Entries = {
  'GET /api/v1/me': {},
  'POST /api/v1/me/tenant': { body: (id) => ({ tenantId: id('joinedTenant') }) },
  'GET /api/v1/me/sessions': {},
  'DELETE /api/v1/me/sessions': {},
  'DELETE /api/v1/me/sessions/:sessionId': {},

  'DELETE /api/v1/sessions': { isLast: true },
  'DELETE /api/v1/members/:userId/sessions': {},
  'GET /api/v1/tenant/settings': {},
  'PATCH /api/v1/tenant/settings': { body: () => ({ version: 1, sessionIdleMinutes: 720 }) },

  'GET /api/v1/tokens': {},
  'POST /api/v1/tokens': {
    body: (id) => ({ name: id.unique, expiresAt: id.soon, scope: { fabrics: [id('fabric')] } })
  },
  'DELETE /api/v1/tokens/:tokenId': {},
  'GET /api/v1/members/:userId/tokens': {},
  'DELETE /api/v1/members/:userId/tokens/:tokenId': { kinds: { tokenId: 'memberToken' } },

  'GET /api/v1/delegations': {},
  // The tenant allows none, which is the default: nobody learns more than that.
  'POST /api/v1/delegations': {
    body: (id) => ({
      serviceAccountId: id('serviceAccount', { hidden: 403 }),
      fabricId: id('fabric', { hidden: 403 }),
      expiresAt: id.soon
    }),
    allowed: 403
  },
  'DELETE /api/v1/delegations/:delegationId': {},

  'GET /api/v1/members': { isForSharedTeams: true },
  'GET /api/v1/members/:userId': { isForSharedTeams: true },
  'PATCH /api/v1/members/:userId': { body: () => ({ version: 1, role: 'tenant_admin' }) },
  'DELETE /api/v1/members/:userId': {},

  'GET /api/v1/invitations': {},
  'POST /api/v1/invitations': {
    body: (id) => ({
      email: `${id.unique}@people.test`,
      role: 'member',
      teamIds: [id('team', { operation: 'team_member.put' })]
    })
  },
  'DELETE /api/v1/invitations/:invitationId': {},
  'GET /invitations/:token': { params: { token: 'unknown' }, open: 410 },

  'GET /api/v1/teams': {},
  'POST /api/v1/teams': { body: (id) => ({ name: id.unique }) },
  'GET /api/v1/teams/:teamId': {},
  'PATCH /api/v1/teams/:teamId': { body: (id) => ({ version: 1, name: id.unique }) },
  'DELETE /api/v1/teams/:teamId': {},
  'GET /api/v1/teams/:teamId/members': {},
  'PUT /api/v1/teams/:teamId/members/:userId': { body: () => ({ role: 'admin' }) },
  'DELETE /api/v1/teams/:teamId/members/:userId': { kinds: { teamId: 'staffedTeam' } }
}
