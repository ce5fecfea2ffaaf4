import { AppError } from '../base/errors.ts'
import { asId, type FabricId, type TeamId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { deleteServicePrincipal, updateFabric } from '../store/fabrics.ts'
import { deleteAccountsOfFabric } from '../store/service-accounts.ts'
import {
  type FabricDeps,
  forgetPrincipalGrant,
  mustFindFabric,
  mustFindTeamFor
} from './fabric-deps.ts'
import type { Fabrics, FabricTransfer, FabricView } from './fabrics.ts'

/** @param view the fabric as the actor sees it once it is another team's */
export function createFabricTransfer(
  { db, audit, clock }: FabricDeps,
  view: (scope: TenantScope, id: FabricId) => Promise<FabricView>
): Pick<Fabrics, 'transfer'> {
  async function move(
    scope: TenantScope,
    id: FabricId,
    { teamId, version }: { teamId: TeamId; version: number }
  ): Promise<FabricTransfer['dropped']> {
    return await db.inTenant(scope, async (tx) => {
      const row = await mustFindFabric(tx, id, 'fabric.transfer')
      await mustFindTeamFor(tx, teamId, 'fabric.transfer')
      if (row.version !== version) throw new AppError('version_conflict')
      if (row.teamId === teamId) return { servicePrincipal: null, serviceAccountIds: [] }
      // A production fabric needs another service principal before it is complete again.
      const status = row.isProduction ? 'draft' : row.status
      const isOurs = await updateFabric(tx, id, version, { teamId, status, updatedAt: clock.now() })
      if (!isOurs) throw new AppError('version_conflict')
      await forgetPrincipalGrant(tx, id)
      await deleteServicePrincipal(tx, id)
      // They would act as whatever service principal the new team gives the fabric.
      const accountIds = await deleteAccountsOfFabric(tx, id)
      const servicePrincipal = row.servicePrincipal?.clientId ?? null
      await audit.append(tx, {
        action: 'fabric.transfer',
        object: ['fabric', id],
        fabricId: id,
        details: { from: row.teamId, to: teamId, servicePrincipal, serviceAccountIds: accountIds }
      })
      const serviceAccountIds = accountIds.map((one) => asId('serviceAccount', one))
      return { servicePrincipal, serviceAccountIds }
    })
  }

  return {
    async transfer(scope, id, input) {
      const dropped = await move(scope, id, input)
      return { fabric: await view(scope, id), dropped }
    }
  }
}
