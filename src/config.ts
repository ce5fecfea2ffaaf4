/**
 * What a deployment may set. Owns: names, shapes and refusals of every environment variable.
 * Touches: nothing; the environment and the file reader are handed in.
 * Never: has a default or an "off" for a security setting, puts a value into a message.
 */
import ipaddr from 'ipaddr.js'
import { entraAuthorityOf, isEntraIssuer, isPublicIssuer } from './base/issuer.ts'
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
  /** 0 picks a free port, here and for `adminPort`. */
  readonly port: number
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
  /** Exact origins, http or https: of workspaces, and of identity providers. */
  readonly extraWorkspaceOrigins: readonly string[]
  readonly extraIssuerOrigins: readonly string[]
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
 * Reads the whole configuration from an environment. An empty variable counts as unset, and a `WEFT_…` that
 * nothing reads is a fault.
 * @param readFile gives a file's text; used for `WEFT_KEY_RING_FILE` only
 * @throws ConfigError with every fault there is
 */
export function parseConfig(env: Environment, readFile: (path: string) => string): Config {
  const faults: ConfigFault[] = []
  const known = new Set<string>()
  const refuse = (variable: string, message: string) => faults.push({ variable, message })
  const isSet = (name: string) => (env[name] ?? '') !== ''

  /** The parsed value, or null where the variable is unset or (with a fault recorded) refused. */
  function read<T>(name: string, parse: (text: string) => T): T | null {
    known.add(name)
    const tell = (message: string) => refuse(name, message)
    return isSet(name) ? attempt(() => parse(env[name] ?? ''), tell) : null
  }

  const publicUrl = read('WEFT_PUBLIC_URL', parsePublicUrl)
  const database = read('WEFT_DATABASE_URL', parseDatabaseUrl)
  const owner = read('WEFT_OWNER_DATABASE_URL', parseDatabaseUrl)
  const readRing = (path: string) => orRefuse('cannot be read', () => readFile(path))
  const fileRing = read('WEFT_KEY_RING_FILE', (path) => parseKeyRing(readRing(path)))
  const keyRing = read('WEFT_KEY_RING', parseKeyRing) ?? fileRing
  read('WEFT_KMS', matching(/^$/, 'is not available in this version; use WEFT_KEY_RING'))
  const issuer = read('WEFT_LOGIN_ISSUER', parseIssuer)
  const clientId = read('WEFT_LOGIN_CLIENT_ID', parsePlain)
  const clientSecret = read('WEFT_LOGIN_CLIENT_SECRET', (text) => new Secret(parsePlain(text)))
  const emailDomains = read('WEFT_LOGIN_EMAIL_DOMAINS', (text) => parseList(text, parseDomain))
  const adminEmail = read('WEFT_BOOTSTRAP_ADMIN', parseEmail)
  const tenantSlug = read('WEFT_BOOTSTRAP_TENANT', parseSlug) ?? 'main'
  const settings = {
    port: read('WEFT_PORT', parsePort) ?? 8080,
    adminPort: read('WEFT_ADMIN_PORT', parsePort) ?? 9090,
    fabricDomain: read('WEFT_FABRIC_DOMAIN', parseDomain),
    extraWorkspaceOrigins: read('WEFT_EXTRA_WORKSPACE_ORIGINS', parseOrigins) ?? [],
    extraIssuerOrigins: read('WEFT_EXTRA_ISSUER_ORIGINS', parseOrigins) ?? [],
    trustedProxies: read('WEFT_TRUSTED_PROXIES', (text) => parseList(text, parseCidr)) ?? [],
    logLevel: read('WEFT_LOG_LEVEL', parseLogLevel) ?? 'info'
  }

  for (const name of ['WEFT_PUBLIC_URL', 'WEFT_DATABASE_URL']) {
    if (!isSet(name)) refuse(name, 'is required')
  }
  if (settings.port === settings.adminPort && settings.port !== 0) {
    refuse('WEFT_ADMIN_PORT', 'must differ from WEFT_PORT')
  }
  if (database !== null && database.role === owner?.role) {
    refuse('WEFT_OWNER_DATABASE_URL', 'must name another role than WEFT_DATABASE_URL')
  }
  if (isSet('WEFT_KEY_RING') === isSet('WEFT_KEY_RING_FILE')) {
    refuse('WEFT_KEY_RING', 'set exactly one of WEFT_KEY_RING and WEFT_KEY_RING_FILE')
  }
  const isLoginSet = [...known].some((name) => name.startsWith('WEFT_LOGIN_') && isSet(name))
  for (const name of ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET'].map((end) => `WEFT_LOGIN_${end}`)) {
    if (isLoginSet && !isSet(name))
      refuse(name, 'is required beside the other WEFT_LOGIN_ variables')
  }
  if (issuer !== null && isPublicIssuer(issuer) && !isSet('WEFT_LOGIN_EMAIL_DOMAINS')) {
    refuse('WEFT_LOGIN_EMAIL_DOMAINS', 'is required: anyone can get an account at this issuer')
  }
  if (env.NODE_TLS_REJECT_UNAUTHORIZED?.trim() === '0') {
    refuse('NODE_TLS_REJECT_UNAUTHORIZED', 'turns off TLS checks; set NODE_EXTRA_CA_CERTS instead')
  }
  if (env.NODE_OPTIONS?.includes('--inspect') === true) {
    refuse('NODE_OPTIONS', 'opens the inspector, which shows every secret in memory')
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('WEFT_') && !known.has(name)) refuse(name, adviceOn(name, [...known]))
  }

  if (faults.length > 0 || publicUrl === null || database === null || keyRing === null) {
    throw new ConfigError(faults)
  }
  const isLoginWhole = issuer !== null && clientId !== null && clientSecret !== null
  const login = isLoginWhole
    ? { issuer, clientId, clientSecret, emailDomains: emailDomains ?? [] }
    : null
  return {
    ...settings,
    publicUrl,
    databaseUrl: database.url,
    appRole: database.role,
    ownerDatabaseUrl: owner?.url ?? null,
    keyRing,
    bootstrap: { adminEmail, tenantSlug, login }
  }
}

/** Kubernetes sets `{SERVICE}_PORT=tcp://…` and kin for each service unless told not to. */
const serviceLink = /^WEFT_(.*_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))(_|$)/
const serviceLinkAdvice = 'is a Kubernetes service link; set enableServiceLinks: false on the pod'

function adviceOn(unknown: string, known: readonly string[]): string {
  if (serviceLink.test(unknown)) return serviceLinkAdvice
  const pairsOf = (name: string) => name.split('').map((_, at) => name.slice(at, at + 2))
  const likeness = (name: string) =>
    pairsOf(name).filter((pair) => unknown.includes(pair)).length / (name.length + unknown.length)
  const nearest = known.reduce((a, b) => (likeness(b) > likeness(a) ? b : a))
  return `is not known; did you mean ${nearest}?`
}

function refuseWhere(faults: Readonly<Record<string, boolean>>): void {
  const messages = Object.keys(faults).filter((message) => faults[message])
  if (messages.length > 0) throw new Refusal(...messages)
}

function attempt<T>(work: () => T, tell: (message: string) => void): T | null {
  try {
    return work()
  } catch (err) {
    if (!(err instanceof Refusal)) throw err
    err.messages.forEach(tell)
    return null
  }
}

function orRefuse<T>(message: string, work: () => T): T {
  try {
    return work()
  } catch (err) {
    throw err instanceof Refusal ? err : new Refusal(message)
  }
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
  refuseWhere({
    [serviceLinkAdvice]: text.startsWith('tcp://'),
    'is not a port from 0 to 65535': !/^\d{1,5}$/.test(text) || Number(text) > 65_535
  })
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
  const items = text.split(separator).map((item, index) => {
    const tell = (message: string) => messages.push(`entry ${index + 1} ${message}`)
    return attempt(() => parse(item.trim()), tell)
  })
  if (messages.length > 0) throw new Refusal(...messages)
  return items.filter((item) => item !== null)
}

const parseUrl = (text: string) => orRefuse('is not a URL', () => new URL(parsePlain(text)))
const loopbackHost = /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** An https address (http on loopback) of nothing but an origin and a path. */
function parseWebUrl(text: string): URL {
  const url = parseUrl(text)
  const isLocal = url.protocol === 'http:' && loopbackHost.test(url.hostname)
  refuseWhere({
    'must be https (or http on loopback)': url.protocol !== 'https:' && !isLocal,
    'must not hold credentials': url.username !== '' || url.password !== '',
    'must not have a query or fragment': /[?#]/.test(text)
  })
  return url
}

function parsePublicUrl(text: string): string {
  const { origin, pathname } = parseWebUrl(text)
  const prefix = pathname.replace(/\/+$/, '')
  refuseWhere({ 'has an odd character in its path': !/^(\/[A-Za-z0-9._~-]+)*$/.test(prefix) })
  return origin + prefix
}

/** An issuer is compared letter by letter (OpenID Connect Core §3.1.3.7), so it stays as written. */
function parseIssuer(text: string): string {
  parseWebUrl(text)
  const isOneTenant = !isEntraIssuer(text) || Boolean(entraAuthorityOf(text)?.tenantId)
  refuseWhere({
    'must name one Entra tenant by its id, https://login.microsoftonline.com/{tenant id}/v2.0':
      !isOneTenant
  })
  return text
}

function parseOrigin(text: string): string {
  const isExact = /^https?:/.test(text) && URL.parse(text)?.origin === text
  refuseWhere({ 'is not an exact origin, such as https://host or http://host:8081': !isExact })
  return text
}

const parseOrigins = (text: string) => parseList(text, parseOrigin)

const mappedIpv4 = ipaddr.IPv6.parse('::ffff:0:0')

/** The widest blocks that can be a proxy's are 10.0.0.0/8 and fc00::/7. */
function parseCidr(text: string): string {
  const isCidr = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)
  refuseWhere({ 'is not a CIDR, such as 10.0.0.0/8': !isCidr })
  const [block, bits] = ipaddr.parseCIDR(text)
  const isMapped = block instanceof ipaddr.IPv6 && mappedIpv4.match(block, Math.min(bits, 96))
  const isWide = bits < (block.kind() === 'ipv4' ? 8 : 7) || isMapped
  refuseWhere({ 'covers far more than proxies, or IPv4 in the spelling of IPv6': isWide })
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
  const role = orRefuse('misspells its user', () => decodeURIComponent(url.username))
  return { url: new Secret(text), role }
}

/** Entries `kid:base64`, newest first, by comma or line. */
function parseKeyRing(text: string): Config['keyRing'] {
  const entries = parseList(text.trim(), parseKey, /[,\n]/)
  refuseWhere({
    'has two entries with one kid': new Set(entries.map(({ kid }) => kid)).size < entries.length,
    'has one key in two entries': new Set(entries.map(({ text }) => text)).size < entries.length
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
