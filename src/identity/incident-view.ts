import { AppError } from '../base/errors.ts'
import { asId, type IncidentId, type TenantId } from '../base/ids.ts'
import type { Actor, TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import {
  countIncidentGrants,
  findIncident,
  type IncidentTarget,
  listSecretsToRotate,
  type NotRevokedRow,
  type SecretToRotate
} from '../store/incidents.ts'

/** What was ended, how far the provider has been told, and what is left to people to do. */
export interface IncidentView {
  readonly id: IncidentId
  readonly tenantId: TenantId
  readonly target: IncidentTarget
  readonly startedBy: { readonly kind: Actor['kind']; readonly id: string }
  readonly startedAt: Date
  /** Null: the provider is still being told. */
  readonly finishedAt: Date | null
  /** How many of each kind were ended here. */
  readonly ended: Readonly<Record<string, number>>
  readonly provider: {
    readonly revoked: number
    readonly waiting: number
    readonly notRevoked: readonly (NotRevokedRow & { readonly count: number })[]
  }
  /** Good at the provider until somebody replaces them there. */
  readonly secretsToRotate: readonly SecretToRotate[]
}

/** @throws AppError `not_found` */
export async function readIncident(
  db: Db,
  scope: TenantScope,
  id: IncidentId
): Promise<IncidentView> {
  return await db.inTenant(scope, async (tx) => {
    const row = await findIncident(tx, id)
    if (row === null) throw new AppError('not_found')
    const target = { kind: row.targetKind as IncidentTarget['kind'], id: row.targetId } // by a check constraint
    const { revoked, waiting, notRevoked } = await countIncidentGrants(tx, id)
    return {
      id: asId('incident', row.id),
      tenantId: scope.tenantId,
      target,
      startedBy: { kind: row.actorKind as Actor['kind'], id: row.actorId }, // as begun by an Actor
      startedAt: row.startedAt,
      finishedAt: row.finishedAt,
      ended: row.ended as Readonly<Record<string, number>>, // as it was noted
      provider: {
        revoked,
        waiting,
        notRevoked: notRevoked.map((group) => ({ ...group, count: group.grantIds.length }))
      },
      secretsToRotate: await listSecretsToRotate(tx, target)
    }
  })
}
