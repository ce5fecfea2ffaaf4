import { listed } from './listed.ts'

/** What operators and Weft itself do to a tenant. */
export const eventsOfPlatform = {
  'tenant.create': listed('The tenant was made', 'tenant', 'slug'),
  'tenant.update': listed('It was changed', 'tenant'),
  'tenant.suspend': listed('It was shut', 'tenant'),
  'tenant.resume': listed('It was opened again', 'tenant'),
  'tenant.erase': listed('Its erasure began; the receipt outlives the record', 'tenant'),
  'incident.revoke': listed(
    'Every grant and credential of a tenant, a fabric or a person was ended here at once',
    'tenant fabric user',
    'incident grants servicePrincipals sessions delegations personalTokens serviceKeys scimTokens federatedIdentities'
  ),
  'incident.finish': listed('The providers were told of all that was ended', 'incident'),
  'operator.add': listed(
    'A person became a platform operator, on record in each tenant of theirs',
    'user'
  ),
  'operator.remove': listed('They no longer are', 'user'),
  'data_key.rotate': listed('The tenant got a new data key', 'data_key'),
  'data_key.retire': listed('An old data key seals nothing more', 'tenant'),
  'data_key.destroy': listed('It was destroyed', 'tenant'),
  'data_key.rewrap': listed(
    'A data key was wrapped by another key of the ring',
    'data_key',
    'from to'
  ),
  'signing_key.drop': listed(
    'A signing key that may be in wrong hands was dropped, on record in every tenant',
    'signing_key'
  ),
  'audit.find_token': listed(
    'An admin asked whose a token is that was found',
    'credential',
    'kind isOurs'
  ),
  'access.deny': listed(
    'A known caller was refused (403); of each caller and operation at most one a minute',
    'operation',
    'via',
    'refused'
  )
} as const
