import { asId, type FabricId, type UserId } from '../../../src/base/ids.ts'
import { Secret } from '../../../src/base/secret.ts'
import { makeTenantScope, systemAuthority } from '../../../src/base/tenant-scope.ts'
import type { Config } from '../../../src/config/config.ts'
import { createKeyRing } from '../../../src/crypto/key-ring.ts'
import type { Gateway } from '../../../src/gateway/gateway.ts'
import { createOutbound } from '../../../src/outbound/outbound.ts'
import { buildRooms, type Rooms } from '../../../src/rooms.ts'
import { createDb } from '../../../src/store/db.ts'
import type { VaultWorld } from '../vault-world.ts'

export interface GatewayAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

export interface TestGateway {
  readonly rooms: Rooms
  /** A person asks an endpoint through a fabric. @throws AppError */
  ask(userId: UserId, fabricId: FabricId, body?: string): Promise<GatewayAnswer>
  close(): Promise<void>
}

/** All rooms of one process on the world's database, entered at the gateway. */
export function createTestGateway(world: VaultWorld): TestGateway {
  const { clock, database, server } = world
  const [kid = '', key = ''] = world.keyRing.split(':')
  const ring = [{ kid, key: new Secret(new Uint8Array(Buffer.from(key, 'base64'))) }]
  const db = createDb({ url: new Secret(database.appUrl), poolMax: 8 })
  const extraOrigins = [server.origin]
  const outbound = createOutbound({ extraOrigins, clock, userAgent: 'weft-test' })
  const config: Config = {
    publicUrl: 'https://weft.test',
    otherPublicUrls: [],
    port: 0,
    adminPort: 0,
    adminHost: '127.0.0.1',
    databaseUrl: new Secret(database.appUrl),
    appRole: 'app',
    ownerDatabaseUrl: null,
    kms: [],
    azure: { tenantId: '', clientId: '', tokenFile: '', authorityHost: '' },
    vaultTokenFile: null,
    keyRing: ring,
    keyRingFile: null,
    bootstrap: { adminEmail: null, tenantSlug: 'main', login: null },
    fabricDomain: null,
    extraWorkspaceOrigins: extraOrigins,
    extraIssuerOrigins: [],
    extraWebhookOrigins: extraOrigins,
    otlpLogsUrl: null,
    otlpLogsHeadersFile: null,
    trustedProxies: [],
    logLevel: 'fatal',
    tracing: null
  }
  const keyRing = createKeyRing(ring)
  const following = { ...clock, follow: () => undefined }
  const keys = { keyRing, readKeys: null, replica: { id: 'test', host: 'test', version: '0' } }
  const doors = { outbound, loginOutbound: outbound, webhookOutbound: outbound }
  const parts = { config, db, ...keys, ...doors, otlpLogs: null, clock: following }
  const nobody = { onJobFailure: () => undefined, onAuditHead: () => undefined }
  const rooms = buildRooms({ ...parts, ...nobody, lagMs: () => 0 })

  return {
    rooms,
    async ask(userId, fabricId, body = '{}') {
      const actor = { kind: 'user', id: userId } as const
      const scope = makeTenantScope(world.seeded.tenantId, actor, systemAuthority)
      return await collect(rooms.gateway, {
        scope,
        fabricId: asId('fabric', fabricId),
        keyId: null,
        method: 'POST',
        path: '/serving-endpoints/probe/invocations',
        query: '',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(body),
        signal: new AbortController().signal
      })
    },
    async close() {
      await outbound.destroy()
      await db.close()
    }
  }
}

async function collect(
  gateway: Gateway,
  call: Parameters<Gateway['handle']>[0]
): Promise<GatewayAnswer> {
  const answer = { status: 0, headers: new Map<string, string>() }
  const chunks: Buffer[] = []
  await gateway.handle(call, {
    head(status, headers) {
      answer.status = status
      for (const [name, value] of headers) answer.headers.set(name.toLowerCase(), value)
    },
    write(chunk) {
      chunks.push(chunk)
      return true
    },
    onDrain: (resume) => resume(),
    end: () => undefined,
    destroy: () => undefined
  })
  return { ...answer, text: Buffer.concat(chunks).toString('utf8') }
}
