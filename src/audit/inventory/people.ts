import { listed } from './listed.ts'

/** Who comes in, and who may what. */
export const eventsOfPeople = {
  login: listed(
    'Somebody came back from the identity provider, and was let in or not; object of a success: the session',
    'session login_provider',
    'loginProviderId hasGroupsOverage issuer subject',
    'succeeded',
    'refused',
    'failed'
  ),
  logout: listed(
    'A session ended: by its person, by a new login, or by the identity provider',
    'session',
    'reason'
  ),
  'me.switch_tenant': listed(
    'A person went over to another of their tenants, on record in both',
    'session',
    'direction'
  ),
  'session.delete': listed('A person ended one of their sessions', 'session'),
  'session.end_of_member': listed('An admin ended all sessions of a member', 'user', 'sessions'),
  'session.end_all': listed('An admin ended every session of the tenant', 'tenant', 'sessions'),
  'member.join': listed('A person became a member at their login', 'user', 'role isBootstrap'),
  'invitation.accept': listed('A login accepted an invitation', 'user', 'role invitationId'),
  'member.map_groups': listed(
    'The groups of a login changed its person’s roles',
    'user',
    'added removed'
  ),
  'member.update': listed('A member’s role or standing changed', 'user', 'role status'),
  'member.delete': listed('A member was removed', 'user'),
  'invitation.create': listed('Somebody was invited', 'invitation', 'email role teamIds expiresAt'),
  'invitation.delete': listed('An invitation was taken back', 'invitation'),
  'team.create': listed('A team was made', 'team', 'name'),
  'team.update': listed('A team was changed', 'team', 'name'),
  'team.delete': listed('A team was deleted', 'team'),
  'team_member.put': listed('Somebody was put into a team', 'team', 'userId role'),
  'team_member.delete': listed('Somebody was taken out of a team', 'team', 'userId'),
  'personal_token.create': listed(
    'A person made a personal access token',
    'personal_token',
    'name access fabricIds expiresAt tokenMark'
  ),
  'personal_token.revoke': listed(
    'It was revoked, by its person or an admin',
    'personal_token',
    'userId'
  ),
  'login_provider.create': listed(
    'A login provider was added',
    'login_provider',
    'name kind issuer clientId'
  ),
  'login_provider.update': listed('It was changed', 'login_provider', 'changed'),
  'login_provider.delete': listed('It was deleted', 'login_provider'),
  'login_provider.verify': listed(
    'It was asked for its metadata',
    'login_provider',
    '',
    'succeeded',
    'failed'
  ),
  'tenant_settings.update': listed(
    'Limits of sessions and tokens were changed',
    'tenant',
    'delegationsAllowed personalTokensAllowed personalTokenMaxDays sessionIdleMinutes sessionMaxMinutes'
  ),
  'scim_token.create': listed(
    'A token for the directory was made',
    'scim_token',
    'name expiresAt tokenMark'
  ),
  'scim_token.delete': listed('It was deleted', 'scim_token'),
  'scim_user.create': listed('The directory announced a person', 'scim_user', 'userName isActive'),
  'scim_user.update': listed('It changed them', 'scim_user', 'userName isActive'),
  'scim_user.delete': listed('It took them back', 'scim_user', 'userName isActive'),
  'scim_group.create': listed('The directory made a group', 'team', 'name'),
  'scim_group.update': listed('It changed it', 'team', 'name'),
  'scim_group.delete': listed('It deleted it', 'team', 'name')
} as const
