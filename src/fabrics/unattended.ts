import { asId } from '../base/ids.ts'
import type { Tx } from '../store/db.ts'
import { listDeploymentsOfFabrics } from '../store/deployments.ts'
import type { FabricRow } from '../store/fabrics.ts'
import { listAccountNamesOfFabrics } from '../store/service-accounts.ts'
import { orphanedBy } from './deployments/deployment-view.ts'
import type { FabricWarning } from './fabrics.ts'

/** Of all the fabrics of a page together. */
const readMax = 2_000
const namedMax = 5

/** What of each fabric's unattended work does not run, by fabric, named. */
export async function unattendedWarnings(
  tx: Tx,
  rows: readonly FabricRow[]
): Promise<ReadonlyMap<string, readonly FabricWarning[]>> {
  const without = rows.filter(({ servicePrincipal }) => servicePrincipal === null)
  const ids = rows.map(({ id }) => id)
  const deployments = await listDeploymentsOfFabrics(tx, ids, readMax)
  const accounts = await listAccountNamesOfFabrics(
    tx,
    without.map(({ id }) => id),
    readMax
  )
  return new Map(
    rows.map((row) => {
      const own = deployments.filter(({ fabricId }) => fabricId === row.id)
      if (row.servicePrincipal !== null) return [row.id, orphanWarnings(row, own)]
      const names = accounts.filter(({ fabricId }) => fabricId === row.id).map(({ name }) => name)
      // Who may not look after the fabric is not told who uses it.
      const mayKnow = tx.scope.authority.may('fabric.update', asId('team', row.teamId))
      return [row.id, [missing(own, mayKnow ? names : names.length)]]
    })
  )
}

interface Deployment {
  readonly name: string
  readonly schedule: unknown
}

function missing(
  deployments: readonly Deployment[],
  accounts: readonly string[] | number
): FabricWarning {
  const scheduled = deployments.filter(({ schedule }) => schedule !== null)
  const parts = [
    listed('the deployment', 'the deployments', deployments.map(nameOf)),
    listed('the schedule of', 'the schedules of', scheduled.map(nameOf)),
    typeof accounts === 'number'
      ? counted('service account', accounts)
      : listed('the service account', 'the service accounts', accounts)
  ].filter((part) => part !== null)
  const message =
    parts.length === 0
      ? 'The fabric has no service principal: nothing uses it unattended yet, and nothing could'
      : `The fabric has no service principal, so these do not run: ${parts.join('; ')}`
  return { code: 'service_principal_missing', message, owner: 'team_admin' }
}

function orphanWarnings(
  fabric: FabricRow,
  deployments: Awaited<ReturnType<typeof listDeploymentsOfFabrics>>
): FabricWarning[] {
  const orphans = deployments.filter((one) => orphanedBy(one, fabric) !== null).map(nameOf)
  const part = listed('the deployment', 'the deployments', orphans)
  if (part === null) return []
  const message = `Made with another team, workspace or service principal, and run by Weft only once deployed anew: ${part}`
  return [{ code: 'deployment_orphaned', message, owner: 'team_admin' }]
}

const nameOf = ({ name }: Deployment) => name

function listed(one: string, many: string, names: readonly string[]): string | null {
  if (names.length === 0) return null
  const shown = names.slice(0, namedMax).join(', ')
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : ''
  return `${names.length === 1 ? one : many} ${shown}${more}`
}

function counted(what: string, count: number): string | null {
  if (count === 0) return null
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}
