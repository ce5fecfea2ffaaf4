import { AppError, invalidRequest } from '../base/errors.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { ComputeRef, Provider, WorkspaceAddress } from '../providers/provider.ts'
import type { Compute, FabricPatch, NewFabric } from './fabrics.ts'

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

interface ComputeColumns {
  readonly warehouseId: string | null
  readonly clusterId: string | null
  readonly httpPath: string | null
  readonly catalog: string | null
  readonly schema: string | null
}

/** `compute` of a new fabric; a JDBC URL's path stands in where none is given. */
export function readCompute(
  provider: Provider,
  compute: Compute | undefined,
  httpPath: string | undefined
): ComputeColumns {
  return checkCompute(provider, {
    warehouseId: compute?.warehouseId ?? null,
    clusterId: compute?.clusterId ?? null,
    httpPath: compute?.httpPath ?? httpPath ?? null,
    catalog: compute?.catalog ?? null,
    schema: compute?.schema ?? null
  })
}

/** Merges a patch of `compute` into what stands (RFC 7396). */
export function mergeCompute(
  provider: Provider,
  row: ComputeColumns,
  patch: FabricPatch['compute']
): ComputeColumns {
  const { warehouseId, clusterId, httpPath, catalog, schema } = row
  const standing = { warehouseId, clusterId, httpPath, catalog, schema }
  if (patch === undefined) return standing
  if (patch === null) return checkCompute(provider, noCompute)
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  return checkCompute(provider, { ...standing, ...Object.fromEntries(given) })
}

const noCompute: ComputeColumns = {
  warehouseId: null,
  clusterId: null,
  httpPath: null,
  catalog: null,
  schema: null
}

function checkCompute(provider: Provider, compute: ComputeColumns): ComputeColumns {
  if (compute.httpPath !== null && provider.computeOfHttpPath(compute.httpPath) === null) {
    throw invalidRequest('/compute/httpPath', 'names neither a warehouse nor a cluster')
  }
  for (const [member, kind] of [
    ['warehouseId', 'warehouse'],
    ['clusterId', 'cluster']
  ] as const) {
    const id = compute[member]
    if (id === null) continue
    try {
      provider.computeCall({ kind, id })
    } catch {
      throw invalidRequest(`/compute/${member}`, `not a ${kind} id`)
    }
  }
  return compute
}

/** The one compute that the fabric uses, null where none is named. */
export function computeOf(provider: Provider, compute: ComputeColumns): ComputeRef | null {
  if (compute.warehouseId !== null) return { kind: 'warehouse', id: compute.warehouseId }
  if (compute.clusterId !== null) return { kind: 'cluster', id: compute.clusterId }
  return compute.httpPath === null ? null : provider.computeOfHttpPath(compute.httpPath)
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

/** Personal access tokens per user are not offered. */
export function refusePat(authMethod: 'oauth' | 'pat'): void {
  if (authMethod === 'oauth') return
  throw new AppError('invalid_request', {
    detail: 'Only OAuth is available as an authentication method',
    errors: [{ pointer: '/authMethod', message: 'must be oauth' }]
  })
}
