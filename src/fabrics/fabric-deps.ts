import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { FabricId, TeamId } from '../base/ids.ts'
import type { Operation } from '../base/operations.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AuthorizationServers } from '../oauth/authorization-server.ts'
import type { TokenExchangeDeps } from '../oauth/token-endpoint.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Db, Tx } from '../store/db.ts'
import { type FabricRow, findFabric } from '../store/fabrics.ts'
import { deleteGrant, findServicePrincipalGrant } from '../store/grants.ts'
import { findTeam } from '../store/teams.ts'
import type { TenantVersions } from '../store/tenant-versions.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import type { Vault } from '../vault/vault.ts'

export interface ReachLimits {
  /** From when on the host cannot be reached, milliseconds. */
  readonly deadlineMs: number
  /** Not before is it told that it cannot, whatever the reason, milliseconds. */
  readonly paceMs: number
}

export interface FabricDeps {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly strongbox: Strongbox
  readonly vault: Vault
  readonly outbound: Outbound
  readonly servers: AuthorizationServers
  readonly exchange: TokenExchangeDeps
  readonly versions: TenantVersions
  readonly publicUrl: string
  /** Of a test's first look at a host; default 5 s each. */
  readonly reach?: ReachLimits | undefined
}

/** @throws AppError `forbidden`: the credential is bound to other fabrics, whether this one is there or not */
export function refuseOtherFabric({ authority }: TenantScope, id: FabricId): void {
  if (authority.fabrics?.includes(id) !== false) return
  throw new AppError('forbidden', { detail: 'This token is for another fabric' })
}

/**
 * The fabric, when the actor sees it and may do `operation` with it.
 * @throws AppError `not_found`: no such fabric, or one of a team or tenant that is not the actor's;
 *   `forbidden`: the actor sees it and may not
 */
export async function mustFindFabric(
  tx: Tx,
  id: FabricId,
  operation: Operation
): Promise<FabricRow> {
  refuseOtherFabric(tx.scope, id)
  const row = await findFabric(tx, id)
  mustSee(tx.scope, row, operation)
  return row
}

/** @throws AppError as `mustFindFabric` */
export function mustSee(
  { authority: { teams, may } }: TenantScope,
  row: FabricRow | null,
  operation: Operation
): asserts row is FabricRow {
  if (row === null) throw new AppError('not_found')
  const teamId = row.teamId as TeamId // a row's own reference
  if (teams !== 'all' && !teams.includes(teamId)) throw new AppError('not_found')
  if (!may(operation, teamId)) throw new AppError('forbidden')
}

/**
 * A team that the actor doesn't see is no team; one they see without being its admin is not theirs to fill.
 * @throws AppError `not_found`, `forbidden`
 */
export async function mustFindTeamFor(tx: Tx, teamId: TeamId, operation: Operation): Promise<void> {
  const { teams, may } = tx.scope.authority
  const isSeen = teams === 'all' || teams.includes(teamId)
  if (!isSeen || (await findTeam(tx, teamId)) === null) {
    throw new AppError('not_found', { detail: 'No such team' })
  }
  if (!may(operation, teamId)) throw new AppError('forbidden')
}

/** A service principal's tokens end with what they were asked for with. */
export async function forgetPrincipalGrant(tx: Tx, fabricId: FabricId): Promise<void> {
  const grant = await findServicePrincipalGrant(tx, fabricId)
  if (grant !== null) await deleteGrant(tx, grant.id)
}
