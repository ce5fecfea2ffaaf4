import type { Provider } from '../provider.ts'
import { account } from './account.ts'
import { classifyApiFailure, isDeadTokenAnswer } from './api-failures.ts'
import { computeCall, identityCall, servingEndpointNamePattern } from './calls.ts'
import { dataPlane, pathParameters } from './data-plane.ts'
import { hostConfigPath, metadataPaths } from './discovery.ts'
import { federation } from './federation.ts'
import { jobs } from './jobs.ts'
import { classifyOAuthFailure, readAuthorizationAnswer } from './oauth-failures.ts'
import { registration } from './registration.ts'
import { resourceListCall, resourcePermissionCall } from './resources.ts'
import { servingRouteCall } from './serving-route.ts'
import { trials } from './trials.ts'
import { computeOfHttpPath, parseWorkspaceUrl } from './workspace-url.ts'
import { servingZones, zones } from './zones.ts'

export const databricks: Provider = {
  id: 'databricks',
  displayName: 'Databricks',
  zones,
  jwksZones: zones, // signing keys live on regional hosts, not on the workspace's own
  oauth: {
    hostConfigPath,
    metadataPaths,
    revocationPath: '/oidc/v1/revoke', // not advertised; a best effort
    refreshTokenTtlMinutes: 7 * 24 * 60,
    defaultScopes: ['all-apis', 'offline_access'],
    requiredScopes: ['offline_access'],
    unattendedScopes: ['all-apis'],
    promptForAnotherUser: 'login', // where it is not honoured it is ignored (RFC 6749 §3.1)
    clientAuthMethod: 'client_secret_post',
    readAuthorizationAnswer
  },
  servicePrincipals: { secretsMax: 5, secretLifeDaysMax: 730 },
  registration,
  account,
  federation,
  jobs,
  parseWorkspaceUrl,
  computeOfHttpPath,
  identityCall,
  computeCall,
  trials,
  resourceListCall,
  resourcePermissionCall,
  isDeadTokenAnswer,
  classifyApiFailure,
  classifyOAuthFailure,
  servingEndpointNamePattern,
  dataPlane,
  pathParameters,
  servingZones,
  servingRouteCall
}
