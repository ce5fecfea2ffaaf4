import type { UseFormReturnType } from '@mantine/form'
import { ProblemError } from '../../api/problem.ts'
import type { Schemas } from '../../generated/operations.ts'
import { endOfDay } from '../../parts/days.ts'
import { isJdbc, understand } from './address.ts'

export type Fabric = Schemas['Fabric']

/** How a service principal proves who it is. */
export type Proof = 'secret' | 'federated'

/** All that a person sets of a fabric, as it is typed. */
export interface Values {
  name: string
  description: string
  teamId: string
  kind: Fabric['kind']
  production: boolean
  address: string
  authMethod: Fabric['authMethod']
  /** Empty: the organisation's default. */
  appConnectionId: string
  hasPrincipal: boolean
  servicePrincipal: { clientId: string; proof: Proof; clientSecret: string; expiresOn: string }
  servicePrincipalUse: Fabric['servicePrincipalUse']
  compute: {
    warehouseId: string
    clusterId: string
    serverless: boolean
    catalog: string
    schema: string
  }
  jobSizes: string
}

export type Form = UseFormReturnType<Values>
export interface FieldsProps {
  readonly form: Form
}

export const emptyValues: Values = {
  name: '',
  description: '',
  teamId: '',
  kind: 'sql',
  production: false,
  address: '',
  authMethod: 'oauth',
  appConnectionId: '',
  hasPrincipal: false,
  servicePrincipal: { clientId: '', proof: 'secret', clientSecret: '', expiresOn: '' },
  servicePrincipalUse: 'admins',
  compute: { warehouseId: '', clusterId: '', serverless: false, catalog: '', schema: '' },
  jobSizes: ''
}

export function valuesOf(fabric: Fabric): Values {
  const { compute, jobSizes } = fabric
  const named = understand(`${fabric.workspaceUrl}${compute.httpPath ?? ''}`)?.compute
  const idOf = (kind: 'warehouse' | 'cluster') => (named?.kind === kind ? named.id : '')
  return {
    name: fabric.name,
    description: fabric.description,
    teamId: fabric.teamId,
    kind: fabric.kind,
    production: fabric.production,
    address: fabric.workspaceUrl,
    authMethod: fabric.authMethod,
    appConnectionId: fabric.appConnectionId ?? '',
    hasPrincipal: fabric.servicePrincipal !== null,
    servicePrincipal: {
      clientId: fabric.servicePrincipal?.clientId ?? '',
      proof: fabric.servicePrincipal?.federated ? 'federated' : 'secret',
      clientSecret: '',
      expiresOn: ''
    },
    servicePrincipalUse: fabric.servicePrincipalUse,
    compute: {
      warehouseId: compute.warehouseId ?? idOf('warehouse'),
      clusterId: compute.clusterId ?? idOf('cluster'),
      serverless: compute.serverless ?? false,
      catalog: compute.catalog ?? '',
      schema: compute.schema ?? ''
    },
    jobSizes: jobSizes.length === 0 ? '' : JSON.stringify(jobSizes, null, 2)
  }
}

function addressOf(address: string) {
  const text = address.trim()
  return isJdbc(text) ? { jdbcUrl: text } : { workspaceUrl: text }
}

export function newFabricOf(values: Values): Schemas['NewFabric'] {
  const { authMethod, appConnectionId } = values
  return {
    name: values.name.trim(),
    description: values.description.trim(),
    teamId: values.teamId,
    kind: values.kind,
    provider: 'databricks',
    authMethod,
    ...(authMethod === 'oauth' && appConnectionId !== '' && { appConnectionId }),
    ...(values.hasPrincipal && { servicePrincipal: principalOf(values) }),
    servicePrincipalUse: values.servicePrincipalUse,
    production: values.production,
    ...addressOf(values.address)
  }
}

/** What is typed and not yet saved, as a merge patch; empty where all is. */
export function patchOf(values: Values, fabric: Fabric): Schemas['FabricPatch'] {
  const saved = valuesOf(fabric)
  const isNew = (name: keyof Values) => JSON.stringify(values[name]) !== JSON.stringify(saved[name])
  const isMoved = values.address.trim() !== saved.address
  return {
    ...(isNew('name') && { name: values.name.trim() }),
    ...(isNew('description') && { description: values.description.trim() }),
    ...(isNew('production') && { production: values.production }),
    ...(isMoved && addressOf(values.address)),
    ...(isNew('appConnectionId') && { appConnectionId: values.appConnectionId || null }),
    ...principalPatch(values, saved, isMoved),
    ...(isNew('servicePrincipalUse') && { servicePrincipalUse: values.servicePrincipalUse }),
    ...(isNew('compute') && { compute: computeOf(values) }),
    ...(isNew('jobSizes') && { jobSizes: sizesOf(values.jobSizes) })
  }
}

function principalOf({ servicePrincipal }: Values) {
  const { proof, clientSecret, expiresOn } = servicePrincipal
  const clientId = servicePrincipal.clientId.trim()
  if (proof === 'federated') return { clientId, federated: true }
  const expiresAt = endOfDay(expiresOn)
  return { clientId, clientSecret, ...(expiresAt && { expiresAt }) }
}

function principalPatch(values: Values, saved: Values, isMoved: boolean) {
  if (!values.hasPrincipal) return saved.hasPrincipal && !isMoved && { servicePrincipal: null }
  const { clientId, proof, clientSecret } = values.servicePrincipal
  const before = saved.servicePrincipal
  const isKept = clientId.trim() === before.clientId && proof === before.proof && !isMoved
  if (isKept && clientSecret === '') return {}
  return { servicePrincipal: principalOf(values) }
}

function computeOf({ kind, compute }: Values) {
  const { warehouseId, clusterId, serverless, catalog, schema } = compute
  if (kind === 'sql') {
    return {
      warehouseId: warehouseId || null,
      httpPath: null,
      catalog: catalog.trim() || null,
      schema: schema.trim() || null
    }
  }
  return { clusterId: serverless ? null : clusterId || null, serverless, httpPath: null }
}

/** @throws SyntaxError where it is no JSON */
function sizesOf(text: string): Fabric['jobSizes'] {
  return text.trim() === '' ? [] : JSON.parse(text)
}

export const isJobSizes = (text: string): boolean => {
  try {
    return Array.isArray(sizesOf(text))
  } catch {
    return false
  }
}

const fields: readonly [pointer: string, field: string][] = [
  ['/workspaceUrl', 'address'],
  ['/jdbcUrl', 'address'],
  ['/compute/httpPath', 'address'],
  ['/servicePrincipal/expiresAt', 'servicePrincipal.expiresOn'],
  ['/servicePrincipal/', 'servicePrincipal.'],
  ['/compute/', 'compute.'],
  ['/jobSizes', 'jobSizes'],
  ['/', '']
]

/** What the API says is wrong, by the field that it is about. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ProblemError)) return {}
  const told = (error.problem.errors ?? []).map(({ pointer, message }) => {
    const [start = '', field = ''] = fields.find(([one]) => pointer.startsWith(one)) ?? []
    const isWhole = !field.endsWith('.') && field !== ''
    return [isWhole ? field : field + pointer.slice(start.length), message] as const
  })
  return Object.fromEntries(told)
}
