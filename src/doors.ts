import { readFileSync } from 'node:fs'
import { type Clock, systemClock } from './base/clock.ts'
import { Secret } from './base/secret.ts'
import type { Config } from './config/config.ts'
import { parseHeaders } from './config/headers.ts'
import { parseKeyRing } from './config/key-ring.ts'
import { type AzureTokenOptions, azureToken } from './crypto/azure-token.ts'
import type { KeyEncryptionKey } from './crypto/key-wrap.ts'
import { kmsKeyOf } from './crypto/kms.ts'
import { localKey } from './crypto/local-key.ts'
import type { VaultOptions } from './crypto/vault-transit-key.ts'
import { createOutbound, type Outbound } from './outbound/outbound.ts'
import type { Tracing } from './tracing/tracing.ts'
import type { OtlpLogs } from './webhooks/otlp-sender.ts'

export interface Doors {
  /** To workspaces. */
  readonly outbound: Outbound
  /** To identity providers. */
  readonly loginOutbound: Outbound
  /** To webhooks' receivers. */
  readonly webhookOutbound: Outbound
  /** Where every tenant's record goes; null: nowhere. */
  readonly otlpLogs: OtlpLogs | null
  /** The key ring as it is now, newest first; some of its keys lie beyond a door of their own. */
  readonly readKeys: () => readonly KeyEncryptionKey[]
  close(): Promise<void>
}

/** Every way out, and the keys, some of which lie beyond one. */
export function openDoors(config: Config, clock: Clock): Doors {
  const outboundTo = (extraOrigins: readonly string[]) =>
    createOutbound({ extraOrigins, clock, userAgent: 'weft' })
  const outbound = outboundTo(config.extraWorkspaceOrigins)
  const loginOutbound = outboundTo(loginOrigins(config))
  const keyOutbound = outboundTo(vaultOrigins(config))
  const webhookOutbound = outboundTo(config.extraWebhookOrigins)
  const otlpLogs = otlpLogsOf(config, outboundTo)
  const doors = { outbound, loginOutbound, webhookOutbound }
  const close = async () => {
    await Promise.all([...Object.values(doors), keyOutbound].map((door) => door.close()))
    await otlpLogs?.outbound.close()
  }
  return { ...doors, otlpLogs, readKeys: keyReader(config, keyOutbound, clock.now), close }
}

/** The operator named the collector: it may lie on a private address, and take plain http. */
function otlpLogsOf(
  { otlpLogsUrl: url, otlpLogsHeadersFile: file }: Config,
  outboundTo: (origins: readonly string[]) => Outbound
): OtlpLogs | null {
  if (url === null) return null
  const readHeaders = () => (file === null ? {} : parseHeaders(readFileSync(file, 'utf8')))
  readHeaders()
  return { url, readHeaders, outbound: outboundTo([new URL(url).origin]) }
}

/** Keys at services first, then those of the ring as it is now. */
function keyReader(config: Config, outbound: Outbound, now: () => Date): () => KeyEncryptionKey[] {
  const { kms, keyRing, keyRingFile, vaultTokenFile } = config
  const vault = vaultTokenFile === null ? null : vaultAt(vaultTokenFile, outbound)
  const azure = { getToken: azureToken(azureAt(config.azure, outbound, now)) }
  const remote = kms.map((name) => kmsKeyOf(name, { vault, azure }))
  const readRing = () =>
    keyRingFile === null ? keyRing : parseKeyRing(readFileSync(keyRingFile, 'utf8'))
  return () => [...remote, ...readRing().map(localKey)]
}

function vaultAt(tokenFile: string, outbound: Outbound): VaultOptions {
  return {
    readToken: () => new Secret(readFileSync(tokenFile, 'utf8').trim()),
    call(url, bearer, body) {
      const rule = { kind: 'origin', origin: new URL(url).origin } as const
      const headers = { 'content-type': 'application/json' }
      return outbound.request({ url, rule, method: 'POST', headers, bearer, body })
    }
  }
}

function azureAt(
  identity: Config['azure'],
  outbound: Outbound,
  now: () => Date
): AzureTokenOptions {
  const rule = { kind: 'public' } as const
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return {
    ...identity,
    now,
    readAssertion: () => new Secret(readFileSync(identity.tokenFile, 'utf8').trim()),
    call: (url, body) => outbound.request({ url, rule, method: 'POST', headers, body })
  }
}

/** Vault may lie on a private address; on loopback it may be plain http. */
function vaultOrigins({ kms }: Config): string[] {
  const urls = kms.filter(({ service }) => service === 'vault-transit')
  return urls.map(({ name }) => new URL(name).origin)
}

/** The operator named the login issuer, and others; on loopback they may be plain http. */
function loginOrigins({ bootstrap, extraIssuerOrigins }: Config): readonly string[] {
  if (bootstrap.login === null) return extraIssuerOrigins
  return [new URL(bootstrap.login.issuer).origin, ...extraIssuerOrigins]
}

/** Loaded where a collector is named, and not otherwise; spans leave by the one door like everything else. */
export async function startTracing({ tracing }: Config, version: string): Promise<Tracing | null> {
  if (tracing === null) return null
  const { createTracing } = await import('./tracing/tracing.ts')
  const { url, protocol, sampler, serviceName, headers: secrets } = tracing
  const { origin } = new URL(url)
  const clock = systemClock()
  const outbound = createOutbound({ extraOrigins: [origin], clock, userAgent: 'weft' })
  const made = createTracing({
    protocol,
    sampler,
    resource: { 'service.name': serviceName, 'service.version': version },
    async send(body, contentType) {
      const rule = { kind: 'origin', origin } as const
      const headers = { 'content-type': contentType }
      const answer = await outbound.request({ url, rule, method: 'POST', headers, secrets, body })
      return answer.status
    }
  })
  return { ...made, close: () => made.close().then(outbound.close) }
}
