import { AppError, type InputFault, invalidRequest } from '../base/errors.ts'
import type { ComputeRef, Provider } from '../providers/provider.ts'
import type { FabricPatch, NewFabric } from './fabrics.ts'
import { type JobSize, jobSizeFaults } from './job-sizes.ts'

/** What a fabric names of its compute; a fabric may also ask endpoints only, and name none. */
export interface ComputeColumns {
  readonly warehouseId: string | null
  readonly clusterId: string | null
  readonly httpPath: string | null
  readonly catalog: string | null
  readonly schema: string | null
  readonly isServerless: boolean
}

type Kind = NewFabric['kind']

/** `compute` of a new fabric; the path of its address stands in where none is given. */
export function readCompute(
  provider: Provider,
  input: Pick<NewFabric, 'kind' | 'compute' | 'jdbcUrl'>,
  addressPath: string | undefined
): ComputeColumns {
  const { kind, compute } = input
  if (addressPath !== undefined && compute?.httpPath === undefined) {
    const pointer = input.jdbcUrl === undefined ? '/workspaceUrl' : '/jdbcUrl'
    refuseAll([...pathFaults(provider, kind, addressPath, pointer)])
  }
  return checkCompute(provider, kind, {
    warehouseId: compute?.warehouseId ?? null,
    clusterId: compute?.clusterId ?? null,
    httpPath: compute?.httpPath ?? addressPath ?? null,
    catalog: compute?.catalog ?? null,
    schema: compute?.schema ?? null,
    isServerless: compute?.serverless ?? false
  })
}

/** Merges a patch of `compute` into what stands (RFC 7396). */
export function mergeCompute(
  provider: Provider,
  row: ComputeColumns & { readonly kind: string },
  patch: FabricPatch['compute']
): ComputeColumns {
  const { warehouseId, clusterId, httpPath, catalog, schema, isServerless } = row
  const standing = { warehouseId, clusterId, httpPath, catalog, schema, isServerless }
  if (patch === undefined) return standing
  if (patch === null) return noCompute
  const { serverless, ...rest } = patch
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  return checkCompute(provider, row.kind === 'sql' ? 'sql' : 'spark', {
    ...standing,
    ...Object.fromEntries(given),
    isServerless: serverless === undefined ? isServerless : serverless === true
  })
}

const noCompute: ComputeColumns = {
  warehouseId: null,
  clusterId: null,
  httpPath: null,
  catalog: null,
  schema: null,
  isServerless: false
}

/** What only the other kind has. */
const foreign = {
  sql: { clusterId: 'cluster', isServerless: 'serverless compute' },
  spark: { warehouseId: 'warehouse', catalog: 'catalog', schema: 'schema' }
} as const

/** @throws AppError `invalid_request`, with all faults */
function checkCompute(provider: Provider, kind: Kind, compute: ComputeColumns): ComputeColumns {
  const { httpPath, clusterId, isServerless } = compute
  refuseAll([
    ...Object.entries(foreign[kind])
      .filter(([member]) => isSet(Reflect.get(compute, member)))
      .map(([member, what]) => ({
        pointer: `/compute/${member === 'isServerless' ? 'serverless' : member}`,
        message: `a ${kind} fabric has no ${what}`
      })),
    ...(httpPath === null ? [] : pathFaults(provider, kind, httpPath, '/compute/httpPath')),
    ...idFaults(provider, compute),
    ...(isServerless && (clusterId !== null || httpPath !== null)
      ? [{ pointer: '/compute/serverless', message: 'goes without a cluster' }]
      : [])
  ])
  return compute
}

const isSet = (value: unknown) => value !== null && value !== false

function pathFaults(
  provider: Provider,
  kind: Kind,
  httpPath: string,
  pointer: string
): InputFault[] {
  const wanted = kind === 'sql' ? 'warehouse' : 'cluster'
  const named = provider.computeOfHttpPath(httpPath)?.kind
  if (named === wanted) return []
  if (named === undefined) return [{ pointer, message: 'names neither a warehouse nor a cluster' }]
  return [{ pointer, message: `names a ${named}, and a ${kind} fabric has none` }]
}

function idFaults(provider: Provider, { warehouseId, clusterId }: ComputeColumns): InputFault[] {
  const given = [
    ['warehouseId', { kind: 'warehouse', id: warehouseId }],
    ['clusterId', { kind: 'cluster', id: clusterId }]
  ] as const
  return given.flatMap(([member, { kind, id }]) => {
    if (id === null) return []
    try {
      provider.computeCall({ kind, id })
      return []
    } catch {
      return [{ pointer: `/compute/${member}`, message: `not a ${kind} id` }]
    }
  })
}

/** Job sizes as they may be stored: of Spark fabrics alone. */
export function checkJobSizes(kind: string, sizes: readonly JobSize[]): readonly JobSize[] {
  if (kind !== 'spark' && sizes.length > 0) {
    throw invalidRequest('/jobSizes', 'a sql fabric runs no jobs on clusters')
  }
  refuseAll(jobSizeFaults(sizes))
  return sizes
}

function refuseAll(errors: readonly InputFault[]): void {
  if (errors.length === 0) return
  const [first] = errors
  throw new AppError('invalid_request', { detail: `${first?.pointer}: ${first?.message}`, errors })
}

/** The one compute that the fabric uses, null where none is named. */
export function computeOf(
  provider: Provider,
  compute: Pick<ComputeColumns, 'warehouseId' | 'clusterId' | 'httpPath'>
): ComputeRef | null {
  if (compute.warehouseId !== null) return { kind: 'warehouse', id: compute.warehouseId }
  if (compute.clusterId !== null) return { kind: 'cluster', id: compute.clusterId }
  return compute.httpPath === null ? null : provider.computeOfHttpPath(compute.httpPath)
}
