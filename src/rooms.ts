import type { FastifyBaseLogger } from 'fastify'
import { buildApp } from './app.ts'
import { createAppConnections } from './app-connections/create-app-connections.ts'
import { createAudit } from './audit/audit.ts'
import { type AuditBuffer, createAuditBuffer } from './audit/audit-buffer.ts'
import { createAuditReader } from './audit/audit-reader.ts'
import type { Clock } from './base/clock.ts'
import type { Config } from './config.ts'
import type { KeyWrap } from './crypto/key-wrap.ts'
import { createFabrics } from './fabrics/create-fabrics.ts'
import { createFabricAccess } from './fabrics/fabric-access.ts'
import { createGateway } from './gateway/pipeline.ts'
import type { App } from './http/route.ts'
import { type Bootstrap, createBootstrap } from './identity/bootstrap.ts'
import { createIdentity } from './identity/identity.ts'
import { createLoginClient } from './identity/login-client.ts'
import { type Clockwork, createClockwork } from './jobs/clockwork.ts'
import { auditFlush, expirySweep } from './jobs/jobs.ts'
import { createAuthorizationServers } from './oauth/authorization-server.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { Db } from './store/db.ts'
import { createStrongbox } from './vault/strongbox.ts'
import { createVault } from './vault/vault.ts'

/** What only the process can make: pools, keys, clocks, the log. */
export interface Parts {
  readonly config: Config
  readonly db: Db
  readonly keyWrap: KeyWrap
  readonly outbound: Outbound
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
  readonly newRequestId: () => string
}

export interface Rooms {
  readonly app: App
  readonly bootstrap: Bootstrap
  readonly clockwork: Clockwork
  readonly records: AuditBuffer
}

/** Every room with what it may touch, from the ground floor up. */
export async function buildRooms(parts: Parts): Promise<Rooms> {
  const { config, db, keyWrap, outbound, clock, logger } = parts
  const { publicUrl } = config
  const audit = createAudit(db, clock)
  const records = createAuditBuffer(audit)
  const strongbox = createStrongbox(db, keyWrap, clock)
  const servers = createAuthorizationServers(outbound, clock)
  const exchange = { outbound, clock }
  const vault = createVault({ db, strongbox, audit, clock, servers, exchange })
  const kept = { db, audit, strongbox, clock, publicUrl }
  const fabricDeps = { ...kept, vault, outbound, servers, exchange }

  const app = await buildApp({
    publicUrl,
    trustedProxies: config.trustedProxies,
    identity: createIdentity({
      ...kept,
      loginClient: createLoginClient({ outbound, clock }),
      bootstrap: config.bootstrap
    }),
    appConnections: createAppConnections({
      ...kept,
      extraOrigins: config.extraWorkspaceOrigins
    }),
    fabrics: createFabrics(fabricDeps),
    gateway: createGateway({ access: createFabricAccess(fabricDeps), outbound, records, clock }),
    audit: createAuditReader(db),
    readiness: () => db.ping(),
    logger,
    clock,
    newRequestId: parts.newRequestId
  })
  const clockwork = createClockwork([auditFlush(records), expirySweep(db, clock)], {
    last: ['audit_flush'],
    onFailure: (job, error) =>
      logger.error({ job, fault: error instanceof Error ? error.name : 'unknown' }, 'job failed')
  })
  return { app, bootstrap: createBootstrap(kept), clockwork, records }
}
