import { listed } from './listed.ts'

const federation = 'serviceAccountId name issuer audience subject claims'

/** Callers that are no people, and what people let them do. */
export const eventsOfServices = {
  'service_account.create': listed('A service account was made', 'service_account', 'name'),
  'service_account.update': listed(
    'It was changed',
    'service_account',
    'name allowedNetworks isDisabled'
  ),
  'service_account.delete': listed('It was deleted, its keys with it', 'service_account'),
  'service_account.set_fabrics': listed(
    'What it may reach was set',
    'service_account',
    'fabricIds'
  ),
  'service_account.use': listed(
    'A credential of it came from an address that it may not be used from; at most one a minute',
    'service_account',
    'source keyId',
    'refused'
  ),
  'service_key.create': listed(
    'A key was made',
    'key',
    'serviceAccountId name expiresAt tokenMark'
  ),
  'service_key.revoke': listed('It was revoked', 'key', 'serviceAccountId'),
  'federated_identity.create': listed(
    'A federated identity was added',
    'federated_identity',
    federation
  ),
  'federated_identity.update': listed('It was changed', 'federated_identity', federation),
  'federated_identity.delete': listed('It was deleted', 'federated_identity', 'serviceAccountId'),
  'service_token.issue': listed(
    'A token was issued for a key or an assertion; refusals of a known account at most one a minute',
    'service_account',
    'keyId federatedIdentityId issuer subject failed expiresInSeconds tokenId',
    'succeeded',
    'refused'
  ),
  'delegation.create': listed(
    'A person let a service account act as themself',
    'delegation',
    'serviceAccountId endpoints expiresAt'
  ),
  'delegation.revoke': listed('It was ended', 'delegation', 'userId serviceAccountId')
} as const
