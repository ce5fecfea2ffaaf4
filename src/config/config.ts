/**
 * What a deployment may set. Owns: names, shapes and refusals of every environment variable.
 * Touches: nothing; the environment and the file reader are handed in.
 * Never: has a default or an "off" for a security setting, puts a value into a message.
 */
import { isPublicIssuer } from '../base/issuer.ts'
import { Secret } from '../base/secret.ts'
import {
  parseAddress,
  parseCidr,
  parseDatabaseUrl,
  parseEndpoint,
  parseIssuer,
  parseOrigins,
  parsePort,
  parsePublicUrl,
  parsePublicUrls
} from './addresses.ts'
import { adviceOn } from './advice.ts'
import { ConfigError, type ConfigFault } from './config-error.ts'
import { parseKeyRing, type RingEntry } from './key-ring.ts'
import { type AzureIdentity, type KmsKeyName, parseKms } from './kms.ts'
import {
  type LogLevel,
  parseDomain,
  parseEmail,
  parseLogLevel,
  parsePlain,
  parseSlug
} from './names.ts'
import { attempt, orRefuse, parseList } from './refusal.ts'
import { readTracing, type TracingConfig } from './tracing.ts'

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
  /** Further ones by which people reach the same deployment. */
  readonly otherPublicUrls: readonly string[]
  /** 0 picks a free port, here and for `adminPort`. */
  readonly port: number
  readonly adminPort: number
  /** The address that the admin port is bound to. */
  readonly adminHost: string
  readonly databaseUrl: Secret
  /** The user of `databaseUrl`. */
  readonly appRole: string
  readonly ownerDatabaseUrl: Secret | null
  /** Keys at key management services, newest first; newer than those of the ring. */
  readonly kms: readonly KmsKeyName[]
  /** Whole where a key of Azure's is named. */
  readonly azure: AzureIdentity
  /** Where Vault's token is read for each call. */
  readonly vaultTokenFile: string | null
  /** Newest first; keys of 32 bytes. At least one here or in `kms`. */
  readonly keyRing: readonly RingEntry[]
  /** Where the ring may change while Weft runs; null: it came in the environment. */
  readonly keyRingFile: string | null
  readonly bootstrap: {
    readonly adminEmail: string | null
    readonly tenantSlug: string
    readonly login: BootstrapLogin | null
  }
  readonly fabricDomain: string | null
  /** Exact origins, http or https: of workspaces, of identity providers, and of webhooks' receivers. */
  readonly extraWorkspaceOrigins: readonly string[]
  readonly extraIssuerOrigins: readonly string[]
  readonly extraWebhookOrigins: readonly string[]
  /** Where every tenant's record goes as OpenTelemetry logs; null: nowhere. */
  readonly otlpLogsUrl: string | null
  /** What such a request carries, read for each. */
  readonly otlpLogsHeadersFile: string | null
  /** CIDRs; empty: no proxy is trusted. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: LogLevel
  /** Null: no spans are collected. */
  readonly tracing: TracingConfig | null
}

type Environment = Readonly<Record<string, string | undefined>>

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
  const kms = read('WEFT_KMS', parseKms) ?? []
  const azure = {
    tenantId: read('AZURE_TENANT_ID', parsePlain) ?? '',
    clientId: read('AZURE_CLIENT_ID', parsePlain) ?? '',
    tokenFile: read('AZURE_FEDERATED_TOKEN_FILE', parsePlain) ?? '',
    authorityHost:
      read('AZURE_AUTHORITY_HOST', parsePublicUrl) ?? 'https://login.microsoftonline.com'
  }
  const vaultTokenFile = read('WEFT_VAULT_TOKEN_FILE', parsePlain)
  const issuer = read('WEFT_LOGIN_ISSUER', parseIssuer)
  const clientId = read('WEFT_LOGIN_CLIENT_ID', parsePlain)
  const clientSecret = read('WEFT_LOGIN_CLIENT_SECRET', (text) => new Secret(parsePlain(text)))
  const emailDomains = read('WEFT_LOGIN_EMAIL_DOMAINS', (text) => parseList(text, parseDomain))
  const adminEmail = read('WEFT_BOOTSTRAP_ADMIN', parseEmail)
  const tenantSlug = read('WEFT_BOOTSTRAP_TENANT', parseSlug) ?? 'main'
  const settings = {
    otherPublicUrls: read('WEFT_OTHER_PUBLIC_URLS', parsePublicUrls) ?? [],
    port: read('WEFT_PORT', parsePort) ?? 8080,
    adminPort: read('WEFT_ADMIN_PORT', parsePort) ?? 9090,
    adminHost: read('WEFT_ADMIN_HOST', parseAddress) ?? '127.0.0.1',
    fabricDomain: read('WEFT_FABRIC_DOMAIN', parseDomain),
    extraWorkspaceOrigins: read('WEFT_EXTRA_WORKSPACE_ORIGINS', parseOrigins) ?? [],
    extraIssuerOrigins: read('WEFT_EXTRA_ISSUER_ORIGINS', parseOrigins) ?? [],
    extraWebhookOrigins: read('WEFT_EXTRA_WEBHOOK_ORIGINS', parseOrigins) ?? [],
    otlpLogsUrl: read('WEFT_OTLP_LOGS_URL', parseEndpoint),
    otlpLogsHeadersFile: read('WEFT_OTLP_LOGS_HEADERS_FILE', parsePlain),
    trustedProxies: read('WEFT_TRUSTED_PROXIES', (text) => parseList(text, parseCidr)) ?? [],
    logLevel: read('WEFT_LOG_LEVEL', parseLogLevel) ?? 'info',
    tracing: readTracing(read)
  }

  for (const name of ['WEFT_PUBLIC_URL', 'WEFT_DATABASE_URL']) {
    if (!isSet(name)) refuse(name, 'is required')
  }
  const hosts = [publicUrl, ...settings.otherPublicUrls].flatMap((url) => url && new URL(url).host)
  if (new Set(hosts).size < hosts.length) {
    refuse('WEFT_OTHER_PUBLIC_URLS', 'names a host twice; one is told from another by its host')
  }
  if (settings.port === settings.adminPort && settings.port !== 0) {
    refuse('WEFT_ADMIN_PORT', 'must differ from WEFT_PORT')
  }
  if (database !== null && database.role === owner?.role) {
    refuse('WEFT_OWNER_DATABASE_URL', 'must name another role than WEFT_DATABASE_URL')
  }
  if (isSet('WEFT_KEY_RING') && isSet('WEFT_KEY_RING_FILE')) {
    refuse('WEFT_KEY_RING', 'set exactly one of WEFT_KEY_RING and WEFT_KEY_RING_FILE')
  }
  if (!['WEFT_KEY_RING', 'WEFT_KEY_RING_FILE', 'WEFT_KMS'].some(isSet)) {
    refuse('WEFT_KEY_RING', 'set it, or WEFT_KEY_RING_FILE or WEFT_KMS')
  }
  const isAzureWhole = [azure.tenantId, azure.clientId, azure.tokenFile].every((one) => one !== '')
  if (kms.some(({ service }) => service === 'azure-key-vault') && !isAzureWhole) {
    refuse('WEFT_KMS', 'needs AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE')
  }
  if (kms.some(({ service }) => service === 'vault-transit') && vaultTokenFile === null) {
    refuse('WEFT_VAULT_TOKEN_FILE', 'is required beside a key of Vault')
  }
  const isLoginSet = [...known].some((name) => name.startsWith('WEFT_LOGIN_') && isSet(name))
  for (const name of ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET'].map((end) => `WEFT_LOGIN_${end}`)) {
    if (isLoginSet && !isSet(name))
      refuse(name, 'is required beside the other WEFT_LOGIN_ variables')
  }
  if (issuer !== null && isPublicIssuer(issuer) && !isSet('WEFT_LOGIN_EMAIL_DOMAINS')) {
    refuse('WEFT_LOGIN_EMAIL_DOMAINS', 'is required: anyone can get an account at this issuer')
  }
  if (settings.otlpLogsHeadersFile !== null && !isSet('WEFT_OTLP_LOGS_URL')) {
    refuse('WEFT_OTLP_LOGS_HEADERS_FILE', 'says what goes to WEFT_OTLP_LOGS_URL, which is not set')
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

  if (faults.length > 0 || publicUrl === null || database === null) {
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
    kms,
    azure,
    vaultTokenFile,
    keyRing: keyRing ?? [],
    keyRingFile: fileRing === null ? null : (env.WEFT_KEY_RING_FILE ?? null),
    bootstrap: { adminEmail, tenantSlug, login }
  }
}
