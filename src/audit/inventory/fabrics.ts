import { listed } from './listed.ts'

const grantFacts = 'workspace fabricName workspaceUser appConnectionId fabricIds cause'

/** What leads to workspaces, and what goes there. */
export const eventsOfFabrics = {
  'app_connection.create': listed(
    'An app connection was added',
    'app_connection',
    'name clientId hasSecret'
  ),
  'app_connection.update': listed('It was changed', 'app_connection', 'changed hasNewSecret'),
  'app_connection.delete': listed('It was deleted', 'app_connection', 'signIns'),
  'app_connection.add_secret': listed('It got a new secret', 'app_connection', 'secretId'),
  'app_connection.delete_secret': listed('A secret was deleted', 'app_connection', 'secretId'),
  'app_connection.verify': listed(
    'It was verified against a workspace',
    'app_connection',
    'workspaceHost step',
    'succeeded',
    'failed'
  ),
  'app_connection.register': listed(
    'Weft registered itself at the account',
    'app_connection',
    'clientId registrationId'
  ),
  'app_connection.mend_registration': listed(
    'What was registered otherwise than it needs was mended',
    'app_connection',
    'registrationId mended'
  ),
  'app_connection.delete_registration': listed(
    'The registration was deleted at the account',
    'app_connection',
    'registrationId'
  ),
  'fabric.create': listed(
    'A fabric was made',
    'fabric',
    'name kind workspaceOrigin hasServicePrincipal'
  ),
  'fabric.update': listed('It was changed', 'fabric', 'changed hasNewServicePrincipal isDropped'),
  'fabric.delete': listed('It was deleted', 'fabric', 'name'),
  'fabric.complete': listed('A draft was completed', 'fabric'),
  'fabric.transfer': listed(
    'It went to another team',
    'fabric',
    'from to servicePrincipal serviceAccountIds'
  ),
  'fabric.test': listed(
    'Its connection was tested, as a person or as its service principal',
    'fabric',
    'as workspaceOrigin step',
    'succeeded',
    'failed'
  ),
  'service_principal.add_secret': listed(
    'Its service principal got a new secret',
    'fabric',
    'secretId expiresAt'
  ),
  'service_principal.delete_secret': listed('A secret was deleted', 'fabric', 'secretId'),
  'federation_policy.register': listed(
    'A federation policy was made or mended at the account',
    'fabric',
    'clientId accountId withKeys policyId end'
  ),
  'fabric.sign_in': listed('A person began to sign in at the workspace', 'sign_in_attempt'),
  'sign_in_attempt.finish': listed(
    'They came back, and the sign-in is kept or not; `refused`: the link was somebody else’s',
    'sign_in_attempt grant',
    'attemptId workspaceUser workspaceUserBefore reason',
    'succeeded',
    'refused',
    'failed'
  ),
  'connection.put_token': listed(
    'A person gave a workspace’s personal access token',
    'grant',
    'workspaceUser'
  ),
  'connection.delete': listed('A sign-in was forgotten', 'grant'),
  'connection.needs_sign_in': listed(
    'A sign-in is dead until its person signs in anew',
    'grant',
    grantFacts,
    'failed'
  ),
  'connection.recovered': listed(
    'A dead sign-in or service principal is well',
    'grant',
    grantFacts
  ),
  'service_principal.refused': listed(
    'The workspace refuses a service principal until somebody acts',
    'grant',
    grantFacts,
    'failed'
  ),
  'secret.expiring': listed(
    'A secret ends in 30, 7, 1 or 0 days',
    'client_secret service_key scim_token',
    'name expiresAt daysLeft appConnectionId serviceAccountId'
  ),
  'grant.refresh': listed(
    'A token was renewed at the workspace; `grant` is the sign-in or the service principal’s credentials',
    'grant',
    'generation state cause secretId refusedSecretIds',
    'succeeded',
    'failed'
  ),
  'grant.revoke': listed(
    'A forgotten sign-in was revoked at the workspace; object `app_connection`: all of one',
    'grant app_connection',
    'revoked notRevoked',
    'succeeded',
    'failed'
  ),
  'endpoint.discover': listed('Compute or endpoints were listed', 'fabric', 'as kind count'),
  'endpoint.query': listed(
    'A call went through a fabric, or was refused; with its identity, key and answer’s status, no payload',
    'endpoint',
    'operation identity keyId generation upstreamStatus',
    'succeeded',
    'refused',
    'failed'
  ),
  'deployment.put': listed(
    'A job was deployed: once before the workspace is asked (`step: begun`), once with what came of it',
    'deployment',
    'name servicePrincipal workspaceOrigin specHash hasSchedule step jobId',
    'succeeded',
    'failed'
  ),
  'deployment.delete': listed(
    'It was deleted: once before the workspace is asked, once with what came of it; or forgotten, once',
    'deployment',
    'name jobId isForgotten step',
    'succeeded',
    'failed'
  ),
  'deployment_run.create': listed(
    'A run was started: once before the workspace is asked, once with what came of it',
    'deployment',
    'name jobId servicePrincipal runId step',
    'succeeded',
    'failed'
  ),
  'deployment_run.cancel': listed(
    'A run was canceled: once before the workspace is asked, once with what came of it',
    'deployment',
    'name jobId servicePrincipal runId step',
    'succeeded',
    'failed'
  ),
  'settings.import': listed(
    'A document of settings was imported, with a record of its own for each thing it changed',
    'tenant',
    'format create update unchanged delete keep'
  )
} as const
