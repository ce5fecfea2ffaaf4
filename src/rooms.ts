import { randomInt } from 'node:crypto'
import type { AppConnections } from './app-connections/app-connections.ts'
import { createAppConnections } from './app-connections/create-app-connections.ts'
import { createRegistrations } from './app-connections/create-registrations.ts'
import type { Registrations } from './app-connections/registrations.ts'
import { type Anchors, type AuditHead, createAnchors } from './audit/anchors.ts'
import { createAudit } from './audit/audit.ts'
import { type AuditBuffer, createAuditBuffer } from './audit/audit-buffer.ts'
import { type AuditReader, createAuditReader } from './audit/audit-reader.ts'
import { createCallWriter } from './audit/call-writer.ts'
import type { FollowingClock } from './base/clock.ts'
import type { Tracer } from './base/trace.ts'
import type { Config } from './config/config.ts'
import type { KeyRing } from './crypto/key-ring.ts'
import type { KeyEncryptionKey } from './crypto/key-wrap.ts'
import { createFabrics } from './fabrics/create-fabrics.ts'
import { createDeployments } from './fabrics/deployments/create-deployments.ts'
import type { Deployments } from './fabrics/deployments/deployments.ts'
import { createFabricAccess } from './fabrics/fabric-access.ts'
import { createFabricSlugs, type FabricSlugs } from './fabrics/fabric-slugs.ts'
import type { Fabrics } from './fabrics/fabrics.ts'
import { createFederationPolicies, type FederationPolicies } from './fabrics/federation-policies.ts'
import type { Gateway } from './gateway/gateway.ts'
import { createGateway } from './gateway/pipeline.ts'
import { type Bootstrap, createBootstrap } from './identity/bootstrap.ts'
import { createIdentity, type Identity } from './identity/identity.ts'
import { createLastUses, type LastUses } from './identity/last-uses.ts'
import { createLoginClient } from './identity/login-client.ts'
import { createInterchange } from './interchange/create-interchange.ts'
import type { Interchange } from './interchange/interchange.ts'
import { type Clockwork, createClockwork } from './jobs/clockwork.ts'
import { createDataKeyRotation, type DataKeyRotation } from './jobs/data-key-rotation.ts'
import { jobScope } from './jobs/job-scope.ts'
import {
  auditFlush,
  auditHeads,
  callRecordSweep,
  clockSync,
  dataKeySweep,
  deliveries,
  dueGrants,
  erasures,
  expirySweep,
  grantUseFlush,
  incidentSweep,
  keyCustody,
  keyForgetting,
  lastUseFlush,
  openCallReview,
  recoverySweep,
  refreshAheadTurn,
  signingKeyRotation,
  versionPoll
} from './jobs/jobs.ts'
import { createKeyCustody, type KeyCustody } from './jobs/key-custody.ts'
import { createKeyRotation, type KeyRotation } from './jobs/key-rotation.ts'
import { createOperations, type Operations, vitalsNote } from './jobs/operations.ts'
import { createRefreshAhead, type RefreshAhead } from './jobs/refresh-ahead.ts'
import { secretExpiry } from './jobs/secret-expiry.ts'
import { createSigningKeyDrop } from './jobs/signing-key-drop.ts'
import { createStanding, type Standing, type StandingDeps, standingWatch } from './jobs/standing.ts'
import { vitalsOf } from './jobs/vitals.ts'
import { createAuthorizationServers } from './oauth/authorization-server.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { Db } from './store/db.ts'
import { createTenantVersions } from './store/tenant-versions.ts'
import { createSigningKeys } from './vault/signing-keys.ts'
import { createStrongbox } from './vault/strongbox.ts'
import { createTokenMarks } from './vault/token-marks.ts'
import { createVault, type Vault } from './vault/vault.ts'
import { createWorkloadIdentity } from './vault/workload-identity.ts'
import { createWrappedKeys } from './vault/wrapped-keys.ts'
import type { Courier } from './webhooks/courier.ts'
import { createStreams } from './webhooks/create-streams.ts'
import { createWebhooks } from './webhooks/create-webhooks.ts'
import type { OtlpLogs } from './webhooks/otlp-sender.ts'
import type { Webhooks } from './webhooks/webhooks.ts'

/** What only the process can make: pools, keys, clocks, the log. */
export interface Parts {
  readonly config: Config
  readonly db: Db
  readonly keyRing: KeyRing
  /** The ring as its file holds it now, newest first; null: it cannot change while the process runs. */
  readonly readKeys: (() => readonly KeyEncryptionKey[]) | null
  readonly replica: { readonly id: string; readonly host: string; readonly version: string }
  /** To workspaces. */
  readonly outbound: Outbound
  /** To identity providers. */
  readonly loginOutbound: Outbound
  /** To webhooks' receivers. */
  readonly webhookOutbound: Outbound
  /** Where every tenant's record goes; null: nowhere. */
  readonly otlpLogs: OtlpLogs | null
  readonly clock: FollowingClock
  /** How late the event loop's turns come, milliseconds. */
  readonly lagMs: () => number
  /** Hears of a job that failed; its next turn comes all the same. */
  readonly onJobFailure: (job: string, error: unknown) => void
  /** Hears when this replica becomes ready or no longer is, and of what it is without. */
  readonly onStanding?: StandingDeps['onChange']
  /** None: nobody collects spans. */
  readonly tracer?: Tracer | null
  /** Hears of the signed heads of tenants' records, for the log that the operator keeps. */
  readonly onAuditHead: (head: AuditHead) => void
}

export interface Rooms {
  readonly identity: Identity
  readonly appConnections: AppConnections
  readonly registrations: Registrations
  readonly fabrics: Fabrics
  readonly federationPolicies: FederationPolicies
  readonly deployments: Deployments
  readonly fabricSlugs: FabricSlugs
  readonly gateway: Gateway
  readonly interchange: Interchange
  readonly audit: AuditReader & Anchors
  readonly bootstrap: Bootstrap
  readonly clockwork: Clockwork
  readonly records: AuditBuffer
  readonly webhooks: Webhooks
  readonly courier: Courier
  readonly keyCustody: KeyCustody
  readonly standing: Standing
  readonly lastUses: Pick<LastUses, 'waiting'>
  readonly vault: Pick<Vault, 'measures' | 'accessToken'>
  readonly keyRotation: KeyRotation
  readonly dataKeyRotation: DataKeyRotation
  readonly refreshAhead: RefreshAhead
  readonly operations: Operations
  readonly dropSigningKey: ReturnType<typeof createSigningKeyDrop>
  /** Finishes the refreshes, revocations and deliveries that this process has begun; erasures go on elsewhere. */
  close(): Promise<void>
}

/** Every room with what it may touch, from the ground floor up; no I/O. */
export function buildRooms(parts: Parts): Rooms {
  const { config, db, keyRing, outbound, clock, lagMs } = parts
  const { publicUrl } = config
  const audit = createAudit(db, clock)
  const records = createAuditBuffer(createCallWriter(db, audit))
  const strongbox = createStrongbox(db, keyRing, clock)
  const signingKeys = createSigningKeys({ db, keyWrap: keyRing, clock })
  const tokenMarks = createTokenMarks({ db, strongbox, clock })
  const anchors = createAnchors({ db, clock, signer: signingKeys, publicUrl })
  const workload = createWorkloadIdentity({ signingKeys, clock, publicUrl })
  const servers = createAuthorizationServers(outbound, clock)
  const exchange = { outbound, clock }
  const versions = createTenantVersions(db, clock)
  const vault = createVault({ db, strongbox, audit, clock, servers, exchange, versions, workload })
  const kept = { db, audit, strongbox, clock, publicUrl }
  const fabricDeps = { ...kept, vault, outbound, servers, exchange, versions }
  const loginClient = createLoginClient({ outbound: parts.loginOutbound, clock })
  const access = createFabricAccess(fabricDeps)
  const lastUses = createLastUses(db)
  const extraOrigins = config.extraWorkspaceOrigins
  const connectionDeps = { ...kept, extraOrigins, outbound, servers, vault }
  const appConnections = createAppConnections(connectionDeps)
  const { bootstrap } = config
  const whoIsWho = {
    ...kept,
    versions,
    lastUses,
    signingKeys,
    tokenMarks,
    issuerOutbound: parts.loginOutbound
  }
  const identity = createIdentity({ ...whoIsWho, vault, loginClient, bootstrap })
  const wrappedKeys = createWrappedKeys(db, keyRing, audit)
  const keyKeeping = { db, clock, keyRing, wrappedKeys }
  const { readKeys } = parts
  const { version, ...replica } = parts.replica
  const custody = createKeyCustody({ ...keyKeeping, readKeys, replica })
  const keyRotation = createKeyRotation(keyKeeping)
  const dataKeyRotation = createDataKeyRotation({ db, clock, strongbox, audit })
  const onChange = parts.onStanding ?? (() => undefined)
  const standing = createStanding({ db, custody, records, onChange })
  const due = dueGrants(db, clock, vault)
  const refreshAhead = createRefreshAhead(due, { clock, jitter: () => randomInt(1_000) / 1_000 })
  const telling = { ...kept, outbound: parts.webhookOutbound }
  const courier = createStreams({
    ...telling,
    otlp: parts.otlpLogs,
    scopeOf: (tenantId) => jobScope(tenantId, 'courier'),
    onFailure: (error) => parts.onJobFailure('deliveries', error)
  })
  const gateway = createGateway({
    access,
    scopedTokens: access,
    outbound,
    records,
    clock,
    lagMs
  })
  const watched = { version, standing, vault, gateway, records, lastUses, courier, lagMs }
  const jobs = [
    clockSync(db, clock),
    versionPoll(versions),
    openCallReview(identity.openCalls),
    auditFlush(records),
    lastUseFlush(lastUses),
    deliveries(courier),
    recoverySweep(db, vault),
    refreshAheadTurn(refreshAhead),
    grantUseFlush(vault),
    erasures(identity.tenants),
    incidentSweep(identity.incidents),
    keyCustody(custody),
    standingWatch(standing),
    vitalsNote({ db, clock }, replica.id, () => vitalsOf(watched)),
    keyForgetting(strongbox),
    dataKeySweep(dataKeyRotation),
    signingKeyRotation(signingKeys),
    secretExpiry(db, audit, clock),
    expirySweep(db, clock),
    callRecordSweep(db, clock),
    auditHeads(db, anchors, parts.onAuditHead)
  ]

  return {
    identity,
    appConnections,
    registrations: createRegistrations({
      ...kept,
      otherPublicUrls: config.otherPublicUrls,
      extraOrigins,
      outbound,
      appConnections
    }),
    fabrics: createFabrics(fabricDeps, access),
    federationPolicies: createFederationPolicies({ ...fabricDeps, extraOrigins, workload }),
    deployments: createDeployments(fabricDeps),
    fabricSlugs: createFabricSlugs(fabricDeps),
    gateway,
    interchange: createInterchange({
      db,
      audit,
      strongbox,
      roomsOn: (own) => ({
        appConnections: createAppConnections({ ...connectionDeps, db: own }),
        fabrics: createFabrics({ ...fabricDeps, db: own }, access)
      })
    }),
    audit: { ...createAuditReader(db), ...anchors },
    bootstrap: createBootstrap(kept),
    clockwork: createClockwork(jobs, {
      last: ['audit_flush', 'last_use_flush', 'grant_use_flush'],
      onFailure: parts.onJobFailure,
      clock,
      tracer: parts.tracer ?? null
    }),
    records,
    webhooks: createWebhooks(telling),
    courier,
    keyCustody: custody,
    standing,
    lastUses,
    vault,
    keyRotation,
    dataKeyRotation,
    refreshAhead,
    operations: createOperations({ db, clock, keyRotation, dataKeyRotation }),
    dropSigningKey: createSigningKeyDrop(db, audit, signingKeys),
    close: async () =>
      void (await Promise.all([
        vault.close(),
        identity.tenants.settle(),
        identity.incidents.settle(),
        courier.close()
      ]))
  }
}
