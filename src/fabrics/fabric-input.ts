import { invalidRequest } from '../base/errors.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Provider, WorkspaceAddress } from '../providers/provider.ts'
import type { NewFabric } from './fabrics.ts'

const nameMaxSlug = 40

/** The address that was given, as an origin of the provider that Weft may call. */
export function readWorkspace(
  outbound: Outbound,
  provider: Provider,
  input: Pick<NewFabric, 'workspaceUrl' | 'jdbcUrl'>
): WorkspaceAddress {
  const { workspaceUrl, jdbcUrl } = input
  if ((workspaceUrl === undefined) === (jdbcUrl === undefined)) {
    throw invalidRequest('/workspaceUrl', 'give either workspaceUrl or jdbcUrl')
  }
  const address =
    jdbcUrl === undefined
      ? provider.parseWorkspaceUrl(workspaceUrl ?? '', '/workspaceUrl')
      : provider.parseWorkspaceUrl(jdbcUrl, '/jdbcUrl')
  const { origin } = outbound.checkUrl(address.origin, { kind: 'zones', zones: provider.zones })
  return { ...address, origin }
}

/** Endpoint names, each as the provider writes them. */
export function checkEndpointList(provider: Provider, list: readonly string[]): string[] {
  const pattern = new RegExp(provider.servingEndpointNamePattern)
  list.forEach((name, index) => {
    if (!pattern.test(name)) {
      throw invalidRequest(`/endpointAllowList/${index}`, 'not the name of an endpoint')
    }
  })
  return [...new Set(list)]
}

/** A DNS label out of a name; `attempt` makes it another one. */
export function slugOf(name: string, attempt: number): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, nameMaxSlug)
    .replace(/-+$/, '')
  const base = plain === '' ? 'fabric' : plain
  return attempt === 0 ? base : `${base}-${attempt + 1}`
}

/** People with tokens of their own sign in by no app connection. */
export function refuseConnection({
  authMethod,
  appConnectionId
}: Pick<NewFabric, 'authMethod' | 'appConnectionId'>): void {
  if (authMethod === 'oauth' || appConnectionId === undefined) return
  throw invalidRequest('/appConnectionId', 'a fabric with personal access tokens has none')
}
