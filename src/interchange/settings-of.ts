import type { AppConnectionView } from '../app-connections/app-connections.ts'
import type { FabricView } from '../fabrics/fabrics.ts'
import type { AppConnectionSettings, FabricSettings, PrincipalSettings } from './interchange.ts'

/** What ids are called in a document. */
export interface Names {
  team(id: string): string
  appConnection(id: string): string
}

export function settingsOfAppConnection(view: AppConnectionView): Required<AppConnectionSettings> {
  return {
    name: view.name,
    provider: view.provider,
    accountHost: view.accountHost,
    accountId: view.accountId,
    clientId: view.clientId,
    clientAuthMethod: view.clientAuthMethod,
    scopes: view.scopes,
    isDefault: view.isDefault,
    isDisabled: view.isDisabled,
    allowedHosts: view.allowedHosts,
    tokenPolicy: view.tokenPolicy
  }
}

export function settingsOfFabric(view: FabricView, names: Names): Required<FabricSettings> {
  return {
    name: view.name,
    team: names.team(view.teamId),
    description: view.description,
    kind: view.kind,
    provider: view.provider,
    workspaceUrl: view.workspaceUrl,
    authMethod: view.authMethod,
    appConnection: view.appConnectionId === null ? null : names.appConnection(view.appConnectionId),
    servicePrincipal: principalOf(view),
    servicePrincipalUse: view.servicePrincipalUse,
    compute: view.compute,
    endpointAllowList: view.endpointAllowList,
    deadlines: view.deadlines,
    jobSizes: view.jobSizes,
    production: view.production,
    status: view.status
  }
}

function principalOf({ servicePrincipal }: FabricView): PrincipalSettings | null {
  if (servicePrincipal === null) return null
  const { clientId, federated } = servicePrincipal
  return federated ? { clientId, federated } : { clientId }
}
