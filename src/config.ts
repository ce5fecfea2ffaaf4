/**
 * What a deployment may set. Owns: names, shapes and refusals of every environment variable.
 * Touches: nothing; the environment and the file reader are handed in.
 * Never: has a default or an "off" for a security setting, puts a value into a message.
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Secret } from './base/secret.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]

/** The identity provider that the first tenant logs in with. */
export interface BootstrapLogin {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret
  /** Lower case; whose verified addresses may join the first tenant. Empty: everyone at this issuer. */
  readonly emailDomains: readonly string[]
}

export interface Config {
  /** Origin and optional path prefix, no trailing slash. */
  readonly publicUrl: string
  /** 0 picks a free port. */
  readonly port: number
  /** 0 picks a free port. */
  readonly adminPort: number
  readonly databaseUrl: Secret
  /** The user of `databaseUrl`. */
  readonly appRole: string
  readonly ownerDatabaseUrl: Secret | null
  /** Newest first, at least one; keys of 32 bytes. */
  readonly keyRing: readonly { readonly kid: string; readonly key: Secret<Uint8Array> }[]
  readonly bootstrap: {
    readonly adminEmail: string | null
    readonly tenantSlug: string
    readonly login: BootstrapLogin | null
  }
  readonly fabricDomain: string | null
  /** Exact origins, http or https. */
  readonly extraWorkspaceOrigins: readonly string[]
  /** CIDRs; empty: no proxy is trusted. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: LogLevel
}

export interface ConfigFault {
  readonly variable: string
  readonly message: string
}

/** Every fault of an environment at once; names variables, never values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(`the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}`)
    this.faults = faults
  }
}

/** A text for the operator: one line per fault. */
export function describeFaults(error: ConfigError): string {
  const lines = error.faults.map(({ variable, message }) => `  ${variable}: ${message}`)
  return [`Weft does not start: ${error.message}.`, ...lines].join('\n')
}

/** Every variable of Weft's own; any other `WEFT_…` is refused as a typo. */
export const configVariables = [
  'WEFT_PUBLIC_URL',
  'WEFT_PORT',
  'WEFT_ADMIN_PORT',
  'WEFT_DATABASE_URL',
  'WEFT_OWNER_DATABASE_URL',
  'WEFT_KEY_RING',
  'WEFT_KEY_RING_FILE',
  'WEFT_KMS',
  'WEFT_BOOTSTRAP_ADMIN',
  'WEFT_BOOTSTRAP_TENANT',
  'WEFT_LOGIN_ISSUER',
  'WEFT_LOGIN_CLIENT_ID',
  'WEFT_LOGIN_CLIENT_SECRET',
  'WEFT_LOGIN_EMAIL_DOMAINS',
  'WEFT_FABRIC_DOMAIN',
  'WEFT_EXTRA_WORKSPACE_ORIGINS',
  'WEFT_TRUSTED_PROXIES',
  'WEFT_LOG_LEVEL'
] as const
export type ConfigVariable = (typeof configVariables)[number]

type Environment = Readonly<Record<string, string | undefined>>

/** Why a text is refused; becomes one fault per message. */
class Refusal extends Error {
  readonly messages: readonly string[]

  constructor(...messages: readonly string[]) {
    super('refused')
    this.messages = messages
  }
}

/**
 * Reads the whole configuration from an environment; an empty variable counts as unset.
 * @param readFile gives a file's text; used for `WEFT_KEY_RING_FILE` only
 * @throws ConfigError with every fault there is
 */
export function parseConfig(env: Environment, readFile: (path: string) => string): Config {
  const faults: ConfigFault[] = faultsOfNames(Object.keys(env))
  const refuse = (variable: string, message: string) => faults.push({ variable, message })
  const isSet = (name: ConfigVariable) => (env[name] ?? '') !== ''

  /** The parsed value, or null where the variable is unset or (with a fault recorded) refused. */
  function read<T>(name: ConfigVariable, parse: (text: string) => T): T | null {
    if (!isSet(name)) return null
    try {
      return parse(env[name] ?? '')
    } catch (err) {
      if (!(err instanceof Refusal)) throw err
      for (const message of err.messages) refuse(name, message)
      return null
    }
  }

  function required<T>(name: ConfigVariable, parse: (text: string) => T): T | null {
    if (!isSet(name)) refuse(name, 'is required')
    return read(name, parse)
  }

  if (env.NODE_TLS_REJECT_UNAUTHORIZED?.trim() === '0') {
    refuse('NODE_TLS_REJECT_UNAUTHORIZED', 'turns off TLS checks; set NODE_EXTRA_CA_CERTS instead')
  }
  if (env.NODE_OPTIONS?.includes('--inspect') === true) {
    refuse('NODE_OPTIONS', 'opens the inspector, which shows every secret in memory')
  }

  const publicUrl = required('WEFT_PUBLIC_URL', parsePublicUrl)
  const port = read('WEFT_PORT', parsePort) ?? 8080
  const adminPort = read('WEFT_ADMIN_PORT', parsePort) ?? 9090
  if (port === adminPort && port !== 0) refuse('WEFT_ADMIN_PORT', 'must differ from WEFT_PORT')

  const database = required('WEFT_DATABASE_URL', parseDatabaseUrl)
  const owner = read('WEFT_OWNER_DATABASE_URL', parseDatabaseUrl)
  if (database !== null && database.role === owner?.role) {
    refuse('WEFT_OWNER_DATABASE_URL', 'must name another role than WEFT_DATABASE_URL')
  }

  if (isSet('WEFT_KMS')) refuse('WEFT_KMS', 'is not available in this version; use WEFT_KEY_RING')
  if (isSet('WEFT_KEY_RING') === isSet('WEFT_KEY_RING_FILE')) {
    refuse('WEFT_KEY_RING', 'set exactly one of WEFT_KEY_RING and WEFT_KEY_RING_FILE')
  }
  const fileRing = read('WEFT_KEY_RING_FILE', (path) => parseKeyRing(readText(path, readFile)))
  const keyRing = read('WEFT_KEY_RING', parseKeyRing) ?? fileRing

  const issuer = read('WEFT_LOGIN_ISSUER', parseIssuer)
  const clientId = read('WEFT_LOGIN_CLIENT_ID', parsePlain)
  const clientSecret = read('WEFT_LOGIN_CLIENT_SECRET', (text) => new Secret(parsePlain(text)))
  const emailDomains = read('WEFT_LOGIN_EMAIL_DOMAINS', (text) => parseList(text, parseDomain))
  const loginVariables = configVariables.filter((name) => name.startsWith('WEFT_LOGIN_'))
  for (const name of loginVariables.some(isSet) ? loginVariables : []) {
    if (isSet(name) || name === 'WEFT_LOGIN_EMAIL_DOMAINS') continue
    refuse(name, 'is required beside the other WEFT_LOGIN_ variables')
  }
  if (issuer !== null && isPublic(issuer) && !isSet('WEFT_LOGIN_EMAIL_DOMAINS')) {
    refuse('WEFT_LOGIN_EMAIL_DOMAINS', 'is required: anyone can get an account at this issuer')
  }

  const adminEmail = read('WEFT_BOOTSTRAP_ADMIN', parseEmail)
  const tenantSlug = read('WEFT_BOOTSTRAP_TENANT', parseSlug) ?? 'main'
  const fabricDomain = read('WEFT_FABRIC_DOMAIN', parseDomain)
  const extraOrigins = read('WEFT_EXTRA_WORKSPACE_ORIGINS', (text) => parseList(text, parseOrigin))
  const trustedProxies = read('WEFT_TRUSTED_PROXIES', (text) => parseList(text, parseCidr))
  const logLevel = read('WEFT_LOG_LEVEL', parseLogLevel) ?? 'info'

  if (faults.length > 0 || publicUrl === null || database === null || keyRing === null) {
    throw new ConfigError(faults)
  }
  const login =
    issuer === null || clientId === null || clientSecret === null
      ? null
      : { issuer, clientId, clientSecret, emailDomains: emailDomains ?? [] }
  return {
    publicUrl,
    port,
    adminPort,
    databaseUrl: database.url,
    appRole: database.role,
    ownerDatabaseUrl: owner?.url ?? null,
    keyRing,
    bootstrap: { adminEmail, tenantSlug, login },
    fabricDomain,
    extraWorkspaceOrigins: extraOrigins ?? [],
    trustedProxies: trustedProxies ?? [],
    logLevel
  }
}

function faultsOfNames(names: readonly string[]): ConfigFault[] {
  const known: readonly string[] = configVariables
  return names
    .filter((name) => name.startsWith('WEFT_') && !known.includes(name))
    .map((variable) => ({ variable, message: adviceOn(variable) }))
}

/** Kubernetes sets `{SERVICE}_PORT=tcp://…` and kin for each service unless told not to. */
const serviceLink = /^WEFT_(.*_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))(_|$)/

const serviceLinkAdvice = 'is a Kubernetes service link; set enableServiceLinks: false on the pod'

function pairsOf(name: string): string[] {
  return name.split('').map((_, at) => name.slice(at, at + 2))
}

function adviceOn(unknown: string): string {
  if (serviceLink.test(unknown)) return serviceLinkAdvice
  const wanted = new Set(pairsOf(unknown))
  const likeness = (name: string) => {
    const pairs = pairsOf(name)
    return pairs.filter((pair) => wanted.has(pair)).length / (pairs.length + wanted.size)
  }
  const nearest = configVariables.reduce((a, b) => (likeness(b) > likeness(a) ? b : a))
  return `is not known; did you mean ${nearest}?`
}

function refuseWhere(faults: Readonly<Record<string, boolean>>): void {
  const messages = Object.keys(faults).filter((message) => faults[message])
  if (messages.length > 0) throw new Refusal(...messages)
}

function matching(pattern: RegExp, message: string): (text: string) => string {
  return (text) => {
    refuseWhere({ [message]: !pattern.test(text) })
    return text
  }
}

const label = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const domain = `(?=.{1,253}$)${label}(\\.${label})*`
const mailbox = "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
const parsePlain = matching(
  /^(?!\s)[^\p{Cc}]+(?<!\s)$/u,
  'has white space around it or control characters in it'
)
const parseEmail = matching(new RegExp(`^${mailbox}@${domain}$`), 'is not one plain email address')
const checkDomain = matching(new RegExp(`^${domain}$`), 'is not a domain name')
const parseDomain = (text: string) => checkDomain(text).toLowerCase()
const parseSlug = matching(
  /^(?!.*--)[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
  'must be 1 to 40 of a-z, 0-9 and single hyphens, start with a letter, not end with a hyphen'
)

function parsePort(text: string): number {
  if (text.startsWith('tcp://')) throw new Refusal(serviceLinkAdvice)
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new Refusal('is not a port (0–65535)')
  return Number(text)
}

function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text)
  if (level === undefined) throw new Refusal(`must be one of ${logLevels.join(', ')}`)
  return level
}

/** Parses a comma-separated list; its faults tell the place in the list, not what stands there. */
function parseList<T>(text: string, parse: (item: string) => T, separator: RegExp = /,/): T[] {
  const messages: string[] = []
  const items = text.split(separator).flatMap((item, index) => {
    try {
      return [parse(item.trim())]
    } catch (err) {
      if (!(err instanceof Refusal)) throw err
      messages.push(...err.messages.map((message) => `entry ${index + 1} ${message}`))
      return []
    }
  })
  if (messages.length > 0) throw new Refusal(...messages)
  return items
}

function parseUrl(text: string): URL {
  const url = URL.parse(parsePlain(text))
  if (url === null) throw new Refusal('is not a URL')
  return url
}

const loopbackHost = /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** An https address (http on loopback) of nothing but an origin and a path. */
function parseWebUrl(text: string): URL {
  const url = parseUrl(text)
  const isPlainHttp = url.protocol === 'http:'
  refuseWhere({
    'must be https': url.protocol !== 'https:' && !isPlainHttp,
    'must be https (http is for loopback only)': isPlainHttp && !loopbackHost.test(url.hostname),
    'must not hold credentials': url.username !== '' || url.password !== '',
    'must not have a query': text.includes('?'),
    'must not have a fragment': text.includes('#')
  })
  return url
}

function parsePublicUrl(text: string): string {
  const url = parseWebUrl(text)
  const prefix = url.pathname.replace(/\/+$/, '')
  if (!/^(\/[A-Za-z0-9._~-]+)*$/.test(prefix)) {
    throw new Refusal('has a path of other characters than letters, digits and . _ ~ -')
  }
  return url.origin + prefix
}

/** An issuer is compared letter by letter (OpenID Connect Core §3.1.3.7), so it stays as written. */
function parseIssuer(text: string): string {
  parseWebUrl(text)
  return text
}

/** Where anyone can get an account; the GUID is the tenant of Microsoft's personal accounts. */
const publicHost = /^(accounts\.google\.com|appleid\.apple\.com|gitlab\.com)$/
const entraHost = /^login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)$/
const entraForAnyone =
  /^\/(common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad)(\/|$)/i

function isPublic(issuer: string): boolean {
  const { hostname, pathname } = new URL(issuer)
  return publicHost.test(hostname) || (entraHost.test(hostname) && entraForAnyone.test(pathname))
}

function parseOrigin(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.origin !== text) {
    throw new Refusal('is not an exact origin, such as https://host or http://host:8081')
  }
  return text
}

/** The widest blocks that can be a proxy's: 10.0.0.0/8 and fc00::/7. */
const leastPrefix = { ipv4: 8, ipv6: 7 }
const mappedIpv4 = ipaddr.IPv6.parse('::ffff:0:0')

function parseCidr(text: string): string {
  const [address = '', prefix = ''] = text.split('/', 2)
  if (isIP(address) === 0 || !/^\d{1,3}$/.test(prefix) || !ipaddr.isValidCIDR(text)) {
    throw new Refusal('is not a CIDR, such as 10.0.0.0/8')
  }
  const [block, bits] = ipaddr.parseCIDR(text)
  const isMapped =
    block instanceof ipaddr.IPv6 && (block.isIPv4MappedAddress() || mappedIpv4.match(block, bits))
  refuseWhere({
    'covers far more than a proxy': bits < leastPrefix[block.kind()],
    'covers IPv4 in the spelling of IPv6': isMapped
  })
  return text
}

function parseDatabaseUrl(text: string): { url: Secret; role: string } {
  const url = parseUrl(text)
  refuseWhere({
    'must begin with postgresql://': !/^postgres(ql)?:$/.test(url.protocol),
    'names no user': url.username === '',
    'must name its user before the host only': url.searchParams.has('user'),
    'names no database': !/^\/[^/]+$/.test(url.pathname)
  })
  try {
    return { url: new Secret(text), role: decodeURIComponent(url.username) }
  } catch {
    throw new Refusal('has a user name that is not percent-encoded')
  }
}

function readText(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trim()
  } catch {
    throw new Refusal('names a file that cannot be read')
  }
}

/** Entries `kid:base64`, newest first, by comma or line. */
function parseKeyRing(text: string): Config['keyRing'] {
  const entries = parseList(text.trim(), parseKey, /[,\n]/)
  const isRepeated = (pick: (entry: (typeof entries)[number]) => string) =>
    new Set(entries.map(pick)).size < entries.length
  refuseWhere({
    'has two entries with one kid': isRepeated(({ kid }) => kid),
    'has one key in two entries': isRepeated(({ text }) => text)
  })
  return entries.map(({ kid, bytes }) => ({ kid, key: new Secret(bytes) }))
}

function parseKey(entry: string): { kid: string; text: string; bytes: Uint8Array } {
  const [, kid = '', text = ''] = /^([^:]*):(.*)$/.exec(entry) ?? []
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  const isWhole = bytes.byteLength === 32 && Buffer.from(bytes).toString('base64') === text
  refuseWhere({
    'is not kid:base64 with a kid of 1 to 32 of A-Z, a-z, 0-9 and . _ -':
      !/^[A-Za-z0-9._-]{1,32}$/.test(kid),
    'has a key that is not exactly 32 bytes of base64 (openssl rand -base64 32)': !isWhole,
    'has a sample, a text or a pattern for a key (openssl rand -base64 32)':
      isWhole && isWeak(bytes)
  })
  return { kid, text, bytes }
}

/** What 32 random bytes never are: printable ASCII (so is the sample), few values, or a plain sequence. */
function isWeak(bytes: Uint8Array): boolean {
  const steps = new Set(bytes.subarray(1).map((byte, index) => byte - (bytes[index] ?? 0)))
  const isText = bytes.every((byte) => byte >= 0x09 && byte <= 0x7e)
  return isText || new Set(bytes).size < 16 || steps.size === 1
}
