import { createAudit } from '../../../src/audit/audit.ts'
import type { Clock } from '../../../src/base/clock.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { TenantScope } from '../../../src/base/tenant-scope.ts'
import type { KeyWrap } from '../../../src/crypto/key-wrap.ts'
import {
  type AuthorizationServers,
  createAuthorizationServers
} from '../../../src/oauth/authorization-server.ts'
import { createOutbound, type Outbound } from '../../../src/outbound/outbound.ts'
import type { Question } from '../../../src/store/asking.ts'
import { createDb, type Db } from '../../../src/store/db.ts'
import { createTenantVersions } from '../../../src/store/tenant-versions.ts'
import { createSigningKeys } from '../../../src/vault/signing-keys.ts'
import { createStrongbox, type Strongbox } from '../../../src/vault/strongbox.ts'
import { createVault, type Vault } from '../../../src/vault/vault.ts'
import {
  createWorkloadIdentity,
  type WorkloadIdentity
} from '../../../src/vault/workload-identity.ts'

/** One process's worth of Weft, as far as tokens go. */
export interface Replica {
  readonly db: Db
  readonly strongbox: Strongbox
  readonly outbound: Outbound
  readonly servers: AuthorizationServers
  readonly vault: Vault
  readonly workload: WorkloadIdentity
  readonly clock: Clock
  /** Transactions begun. */
  readonly transactions: number
  /** What the clockwork does every second: learns what other replicas have changed. */
  noticeChanges(): Promise<void>
}

export interface ReplicaOptions {
  /** The way to the database, such as by a proxy. */
  readonly via?: (url: string) => string
  readonly clock?: Clock
  readonly poolMax?: number
  /** Origins beside the hostile server's. */
  readonly extraOrigins?: readonly string[]
  /** Whether it learns by itself, and soon, what other replicas change; default: yes. */
  readonly isPolling?: boolean
}

interface Surroundings {
  readonly url: string
  readonly keyWrap: KeyWrap
  readonly clock: Clock
  readonly workspaceOrigin: string
  /** A pool that is there already, and stays. */
  readonly pool?: Db
}

/** The rooms up to the vault, on a pool of their own. */
export function createReplica(
  { url, keyWrap, clock: common, workspaceOrigin, pool }: Surroundings,
  { via, clock = common, poolMax = 8, extraOrigins = [], isPolling = true }: ReplicaOptions
): { replica: Replica; close: () => Promise<void> } {
  const real = pool ?? createDb({ url: new Secret(via === undefined ? url : via(url)), poolMax })
  let transactions = 0
  const db: Db = {
    ...real,
    inTenant(scope, work) {
      transactions += 1
      return real.inTenant(scope, work)
    },
    ask<const Q extends readonly Question<unknown>[]>(scope: TenantScope, ...questions: Q) {
      transactions += 1
      return real.ask<Q>(scope, ...questions)
    }
  }
  const outbound = createOutbound({
    extraOrigins: [workspaceOrigin, ...extraOrigins],
    clock,
    userAgent: 'weft-test'
  })
  const audit = createAudit(db, clock)
  const strongbox = createStrongbox(db, keyWrap, clock)
  const servers = createAuthorizationServers(outbound, clock)
  const exchange = { outbound, clock }
  const versions = createTenantVersions(db, clock)
  const poll = () => isPolling && versions.poll().catch(() => undefined)
  const polling = setInterval(poll, 200)
  const signingKeys = createSigningKeys({ db, keyWrap, clock })
  const publicUrl = 'https://weft.test'
  const workload = createWorkloadIdentity({ signingKeys, clock, publicUrl })
  const vault = createVault({ db, strongbox, audit, clock, servers, exchange, versions, workload })
  const replica: Replica = {
    db,
    strongbox,
    outbound,
    servers,
    vault,
    workload,
    clock,
    get transactions() {
      return transactions
    },
    noticeChanges: () => versions.poll()
  }
  const close = async () => {
    clearInterval(polling)
    await outbound.destroy()
    if (pool === undefined) await real.close()
  }
  return { replica, close }
}
