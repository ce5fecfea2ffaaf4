import { invalidRequest } from '../../base/errors.ts'
import type { ComputeRef, WorkspaceAddress } from '../provider.ts'
import { servingZones, siteNames } from './zones.ts'

const maxLength = 4_096
const jdbcScheme = /^jdbc:(databricks|spark|hive2):\/\//i
const accountHost = /^accounts(-dod)?\./
const workspaceIdPattern = /^\d{1,20}$/
const httpPathPattern =
  /^\/?(sql\/1\.0\/(?:warehouses|endpoints)\/[A-Za-z0-9]{1,64}|sql\/protocolv1\/o\/\d{1,20}\/[A-Za-z0-9-]{1,64})\/?$/

/** A browser's address, a bare host, or a JDBC URL; see `Provider.parseWorkspaceUrl`. */
export function parseWorkspaceUrl(text: string, pointer = '/workspaceUrl'): WorkspaceAddress {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > maxLength) {
    throw invalidRequest(pointer, 'not the address of a workspace')
  }
  return jdbcScheme.test(trimmed) ? parseJdbc(trimmed, pointer) : parseWeb(trimmed, pointer)
}

export function computeOfHttpPath(httpPath: string): ComputeRef | null {
  const path = cleanHttpPath(httpPath)
  const id = path?.split('/').at(-1)
  if (path === undefined || id === undefined) return null
  return { kind: path.startsWith('/sql/protocolv1/') ? 'cluster' : 'warehouse', id }
}

function parseWeb(text: string, pointer: string): WorkspaceAddress {
  const url = parseWorkspaceHost(
    /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`,
    pointer
  )
  return describe(url, url.searchParams.get('o'), cleanHttpPath(url.pathname))
}

/** `//host:443/schema;name=value;…`; of the properties only the path is read, UID and PWD never are. */
function parseJdbc(text: string, pointer: string): WorkspaceAddress {
  const [address = '', ...properties] = text.replace(jdbcScheme, '').split(';')
  const url = parseWorkspaceHost(`https://${address}`, pointer)
  const named = properties
    .map((property) => /^\s*httpPath\s*=\s*(.*)$/i.exec(property)?.[1]?.trim())
    .find((value) => value !== undefined)
  const [path = '', query = ''] = (named ?? '').split('?')
  const httpPath = cleanHttpPath(path)
  if (named !== undefined && httpPath === undefined) {
    throw invalidRequest(pointer, 'httpPath names neither a warehouse nor a cluster')
  }
  return describe(url, new URLSearchParams(query).get('o'), httpPath)
}

/** An address of any host of the provider's, as it is written. */
export function parseHost(text: string, pointer: string): URL {
  const url = /^[\x21-\x5b\x5d-\x7e]+$/.test(text) ? URL.parse(text) : null
  if (url === null || url.hostname === '') {
    throw invalidRequest(pointer, 'not the address of a workspace')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalidRequest(pointer, 'a workspace address begins with https://')
  }
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(text)) {
    throw invalidRequest(pointer, 'a workspace address holds no user name or password')
  }
  if (!isWrittenAsParsed(text, url)) {
    throw invalidRequest(pointer, 'the host of a workspace is written in plain letters')
  }
  return url
}

function parseWorkspaceHost(text: string, pointer: string): URL {
  const url = parseHost(text, pointer)
  if (accountHost.test(url.hostname)) {
    throw invalidRequest(pointer, 'this is the account console; give the address of a workspace')
  }
  if (isSite(url.hostname)) {
    throw invalidRequest(pointer, 'this host is of the provider, and no workspace')
  }
  return url
}

/**
 * URL parsing folds other spellings into a host: percent signs, numbers that are addresses, IDNA. A
 * workspace's host needs none of them, so whoever writes one means another parser to read it otherwise.
 */
function isWrittenAsParsed(text: string, { host, hostname, protocol }: URL): boolean {
  const written = /^[a-z]+:\/\/([^/?#]+)/i.exec(text)?.[1]?.toLowerCase()
  const defaultPort = protocol === 'https:' ? ':443' : ':80'
  if (written !== host && written !== host + defaultPort) return false
  return !hostname.endsWith('.') && !hostname.split('.').some((label) => label.startsWith('xn--'))
}

function isSite(hostname: string): boolean {
  if (servingZones.some((zone) => hostname.endsWith(zone))) return true
  return hostname.endsWith('.databricks.com') && siteNames.has(hostname.slice(0, -15))
}

function describe(url: URL, o: string | null, httpPath: string | undefined): WorkspaceAddress {
  const fromPath = /\/o\/(\d+)\//.exec(httpPath ?? '')?.[1]
  const candidates = [o, fromPath, workspaceIdOfHost(url.hostname)]
  const workspaceId = candidates.find((id) => typeof id === 'string' && workspaceIdPattern.test(id))
  return {
    origin: url.origin,
    ...(typeof workspaceId === 'string' ? { workspaceId } : {}),
    ...(httpPath === undefined ? {} : { httpPath })
  }
}

/** Azure and GCP write the workspace's id into its host name. */
function workspaceIdOfHost(hostname: string): string | undefined {
  return (
    /^adb-(\d+)\.\d+\.(?:azuredatabricks\.net|databricks\.azure\.(?:us|cn))$/.exec(hostname)?.[1] ??
    /^(\d+)\.\d+\.gcp\.databricks\.com$/.exec(hostname)?.[1]
  )
}

/** With a leading slash and no other decoration; undefined if it is no such path. */
function cleanHttpPath(path: string): string | undefined {
  const match = httpPathPattern.exec(path)
  return match?.[1] === undefined ? undefined : `/${match[1]}`
}
