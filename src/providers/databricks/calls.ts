import { invalidRequest } from '../../base/errors.ts'
import type {
  ComputeRef,
  ComputeState,
  Interpretation,
  ProviderCall,
  ProviderIdentity
} from '../provider.ts'
import { classifyApiFailure } from './api-failures.ts'
import { isPage, readJson } from './envelope.ts'

export const servingEndpointNamePattern = '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'

const computeId = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const json = { accept: 'application/json' } as const

/** Needs no particular scope, so it works for the narrowest token. */
export const identityCall: ProviderCall<ProviderIdentity> = {
  method: 'GET',
  path: '/api/2.0/preview/scim/v2/Me',
  headers: { accept: 'application/scim+json, application/json' },
  interpret(status, headers, body) {
    const read = readAnswer(status, headers, body)
    if (!read.ok) {
      // No compute is asked for here: whoever may not even read themself has no place in the workspace.
      return read.code === 'compute_forbidden'
        ? { ok: false, code: 'principal_not_in_workspace' }
        : read
    }
    const { userName, id, applicationId } = read.value
    if (typeof userName !== 'string' || typeof id !== 'string') return notTheApi
    const isServicePrincipal = typeof applicationId === 'string' || uuid.test(userName)
    const kind = isServicePrincipal ? 'service_principal' : 'user'
    return { ok: true, value: { userName, id, kind } }
  }
}

export function computeCall(compute: ComputeRef): ProviderCall<ComputeState> {
  if (!computeId.test(compute.id)) throw invalidRequest('/compute', `not a ${compute.kind} id`)
  return compute.kind === 'warehouse' ? warehouseCall(compute.id) : clusterCall(compute.id)
}

/** A stopped warehouse is well where its first statement starts it. */
function warehouseCall(id: string): ProviderCall<ComputeState> {
  return {
    method: 'GET',
    path: `/api/2.0/sql/warehouses/${id}`,
    headers: json,
    interpret: (status, headers, body) =>
      readState(readAnswer(status, headers, body), {
        STARTING: 'starting',
        STOPPED: 'stopped',
        STOPPING: 'stopped',
        DELETED: 'gone',
        DELETING: 'gone'
      })
  }
}

/** A terminated cluster stays so until somebody starts it. */
function clusterCall(id: string): ProviderCall<ComputeState> {
  return {
    method: 'GET',
    path: `/api/2.1/clusters/get?cluster_id=${id}`,
    headers: json,
    interpret: (status, headers, body) =>
      readState(readAnswer(status, headers, body), {
        PENDING: 'starting',
        RESTARTING: 'starting',
        TERMINATED: 'dead',
        TERMINATING: 'dead',
        ERROR: 'dead'
      })
  }
}

type Conditions = Readonly<Record<string, 'starting' | 'stopped' | 'dead' | 'gone'>>

export const notTheApi = {
  ok: false,
  code: 'workspace_unreachable',
  detail: 'Something other than the workspace API answered'
} as const

export function readAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string
): Interpretation<Record<string, unknown>> {
  if (status !== 200) return { ok: false, code: classifyApiFailure(status, headers, body) }
  const value = isPage(headers, body) ? null : readJson(body)
  return value === null ? notTheApi : { ok: true, value }
}

function readState(
  read: Interpretation<Record<string, unknown>>,
  conditions: Conditions
): Interpretation<ComputeState> {
  if (!read.ok) return read
  const { state, auto_resume: startsByItself } = read.value
  if (typeof state !== 'string' || !/^[A-Z_]{1,40}$/.test(state)) return notTheApi
  const condition = (Object.hasOwn(conditions, state) ? conditions[state] : undefined) ?? 'running'
  if (condition === 'gone') {
    return { ok: false, code: 'compute_not_found', detail: `It is ${state}` }
  }
  if (condition === 'dead' || (condition === 'stopped' && startsByItself === false)) {
    return { ok: false, code: 'compute_stopped', detail: `It is ${state}` }
  }
  return { ok: true, value: { state, condition } }
}
