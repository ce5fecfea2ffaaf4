import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Span } from '../base/trace.ts'
import type { AuthorizationServers } from '../oauth/authorization-server.ts'
import type { TokenExchangeDeps } from '../oauth/token-endpoint.ts'
import type { Db } from '../store/db.ts'
import type { TenantVersions } from '../store/tenant-versions.ts'
import type { Strongbox } from './strongbox.ts'
import type { Turns } from './turns.ts'
import type { RefreshTally } from './vault-measures.ts'
import type { WorkloadIdentity } from './workload-identity.ts'

/** What grants, their refresh and its recovery work with. */
export interface RefreshDeps {
  /** Of token calls at one workspace host. */
  readonly turns: Turns
  readonly db: Db
  readonly strongbox: Strongbox
  readonly audit: Audit
  readonly clock: Clock
  readonly servers: AuthorizationServers
  readonly exchange: TokenExchangeDeps
  readonly versions: TenantVersions
  readonly workload: WorkloadIdentity
  readonly tally: RefreshTally
  /** Of the refresh that these are for; none: nobody collects spans. */
  readonly span?: Span | null
}
