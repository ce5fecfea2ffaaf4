import { readFileSync } from 'node:fs'
import { type Clock, systemClock } from './base/clock.ts'
import { Secret } from './base/secret.ts'
import type { Config } from './config/config.ts'
import { parseKeyRing } from './config/key-ring.ts'
import { type AzureTokenOptions, azureToken } from './crypto/azure-token.ts'
import type { KeyEncryptionKey } from './crypto/key-wrap.ts'
import { kmsKeyOf } from './crypto/kms.ts'
import { localKey } from './crypto/local-key.ts'
import type { VaultOptions } from './crypto/vault-transit-key.ts'
import { createOutbound, type Outbound } from './outbound/outbound.ts'
import type { Tracing } from './tracing/tracing.ts'

export interface Doors {
  /** To workspaces. */
  readonly outbound: Outbound
  /** To identity providers. */
  readonly loginOutbound: Outbound
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
  const close = async () => {
    await Promise.all([outbound.close(), loginOutbound.close(), keyOutbound.close()])
  }
  return { outbound, loginOutbound, readKeys: keyReader(config, keyOutbound, clock.now), close }
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
