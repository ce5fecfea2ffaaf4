import { isJsonObject, parseJsonObject } from '../../base/json-object.ts'
import type { Interpretation, ProviderCall } from '../provider.ts'
import {
  type Resource,
  type ResourceKind,
  type ResourcePage,
  type ResourcePermission,
  resourcePermissions
} from '../resources.ts'
import { classifyApiFailure } from './api-failures.ts'
import { servingEndpointNamePattern } from './calls.ts'
import { isPage } from './envelope.ts'
import { readRetryAfter } from './oauth-failures.ts'

type Json = Readonly<Record<string, unknown>>

const pageSize = 100 // the most that the clusters API gives
const listMaxBytes = 16 * 1024 * 1024 // serving endpoints come all in one answer
const headers = { accept: 'application/json' } as const
const notTheApi = {
  ok: false,
  code: 'workspace_unreachable',
  detail: 'Something other than the workspace API answered'
} as const

interface Listing {
  readonly path: string
  readonly member: string
  /** Null: not enough of one to be shown. */
  read(item: Json): Resource | null
}

const gone = ['DELETED', 'DELETING']
const down = ['TERMINATED', 'TERMINATING', 'ERROR', 'UNKNOWN']

const listings: Readonly<Record<ResourceKind, Listing>> = {
  warehouse: {
    path: `/api/2.0/sql/warehouses?page_size=${pageSize}`,
    member: 'warehouses',
    read: (item) => {
      const state = wordOf(item.state)
      return resourceOf(item.id, item.name, {
        state,
        isUsable: state !== null && !gone.includes(state), // a stopped one starts when it is asked
        permission: permissionOf(item),
        type: item.enable_serverless_compute === true ? 'SERVERLESS' : wordOf(item.warehouse_type),
        size: textOf(item.cluster_size),
        creator: textOf(item.creator_name)
      })
    }
  },
  cluster: {
    path: `/api/2.1/clusters/list?page_size=${pageSize}`,
    member: 'clusters',
    read: (item) => {
      const state = wordOf(item.state)
      return resourceOf(item.cluster_id, item.cluster_name, {
        state,
        isUsable: state !== null && !down.includes(state),
        permission: permissionOf(item),
        type: wordOf(item.data_security_mode),
        size: workersOf(item),
        creator: textOf(item.creator_user_name)
      })
    }
  },
  serving_endpoint: {
    path: '/api/2.0/serving-endpoints',
    member: 'endpoints',
    read: (item) => {
      const ready = isJsonObject(item.state) ? wordOf(item.state.ready) : null
      return resourceOf(item.id ?? item.name, item.name, {
        state: ready,
        isUsable: ready === 'READY',
        permission: permissionOf(item),
        type: textOf(item.task),
        size: null,
        creator: textOf(item.creator)
      })
    }
  }
}

/** One page of what there is; the pages after it by the token of the one before. */
export function resourceListCall(
  kind: ResourceKind,
  pageToken: string | null
): ProviderCall<ResourcePage> {
  const { path, member, read } = listings[kind]
  const more = pageToken === null ? '' : `page_token=${encodeURIComponent(pageToken)}`
  const mark = path.includes('?') ? '&' : '?'
  return {
    method: 'GET',
    path: more === '' ? path : `${path}${mark}${more}`,
    headers,
    maxBytes: listMaxBytes,
    interpret(status, headers, body) {
      const answer = readObject(status, headers, body)
      if (!answer.ok) return answer
      const items = answer.value[member] ?? [] // an empty list is left out
      if (!Array.isArray(items)) return notTheApi
      const shown = items.flatMap((item) => (isJsonObject(item) ? (read(item) ?? []) : []))
      const nextPageToken = textOf(answer.value.next_page_token)
      return { ok: true, value: { items: shown, nextPageToken } }
    }
  }
}

const endpointName = new RegExp(servingEndpointNamePattern)

/** What the caller may do with one, where a listing leaves it out and the thing itself tells; else null. */
export function resourcePermissionCall(
  kind: ResourceKind,
  name: string
): ProviderCall<ResourcePermission | null> | null {
  if (kind !== 'serving_endpoint' || !endpointName.test(name)) return null
  return {
    method: 'GET',
    path: `/api/2.0/serving-endpoints/${name}`,
    headers,
    interpret(status, headers, body) {
      const answer = readObject(status, headers, body)
      return answer.ok ? { ok: true, value: permissionOf(answer.value) } : answer
    }
  }
}

function readObject(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string
): Interpretation<Json> {
  if (status !== 200) {
    const code = classifyApiFailure(status, headers, body)
    const retryAfterSeconds = readRetryAfter(headers)
    return { ok: false, code, ...(retryAfterSeconds !== null && { retryAfterSeconds }) }
  }
  const value = isPage(headers, body) ? null : parseJsonObject(body)
  return value === null ? notTheApi : { ok: true, value }
}

function resourceOf(
  id: unknown,
  name: unknown,
  rest: Omit<Resource, 'id' | 'name'>
): Resource | null {
  const known = textOf(id)
  return known === null ? null : { id: known, name: textOf(name) ?? known, ...rest }
}

function permissionOf({ permission_level: level }: Json): ResourcePermission | null {
  const word = wordOf(level)?.toLowerCase().replace(/_to$/, '')
  return resourcePermissions.find((one) => one === word) ?? null
}

function workersOf({ num_workers: workers, autoscale }: Json): string | null {
  if (Number.isSafeInteger(workers)) return String(workers)
  if (!isJsonObject(autoscale)) return null
  const { min_workers: min, max_workers: max } = autoscale
  return Number.isSafeInteger(min) && Number.isSafeInteger(max) ? `${min}–${max}` : null
}

/** A word of the provider's own list of them. */
function wordOf(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(value) ? value : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 1_024 ? value : null
}
