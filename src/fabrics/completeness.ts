import { AppError, type InputFault } from '../base/errors.ts'
import type { FabricRow } from '../store/fabrics.ts'
import type { ComputeColumns } from './fabric-compute.ts'

/** What decides whether a fabric is complete. */
export interface Standing extends ComputeColumns {
  readonly kind: string
  readonly isProduction: boolean
  readonly hasPrincipal: boolean
}

export const standingOf = (row: FabricRow): Standing => ({
  ...row,
  hasPrincipal: row.servicePrincipal !== null
})

/** Everything that is missing. Compute is not: endpoints are asked without any. */
function missingOf(fabric: Standing): InputFault[] {
  const { kind, warehouseId, httpPath, catalog, schema } = fabric
  const hasNamespace = catalog !== null || schema !== null
  return [
    ...(fabric.isProduction && !fabric.hasPrincipal
      ? [{ pointer: '/servicePrincipal', message: 'a production fabric needs one' }]
      : []),
    ...(kind === 'sql' && hasNamespace && warehouseId === null && httpPath === null
      ? [{ pointer: '/compute/warehouseId', message: 'a catalog and a schema need a warehouse' }]
      : [])
  ]
}

/** @throws AppError `fabric_incomplete`, with all that is missing */
export function refuseIncomplete(fabric: Standing): void {
  refuse(missingOf(fabric))
}

/**
 * A complete fabric stays complete, and a production one keeps the service principal that it has.
 * @throws AppError `fabric_incomplete`, with all that the change would take away
 */
export function refuseLoss(status: string, before: Standing, after: Standing): void {
  const stood = new Set(missingOf(before).map(({ pointer }) => pointer))
  const lost = missingOf(after).filter(({ pointer }) => !stood.has(pointer))
  const isDraft = status !== 'complete'
  refuse(
    lost.filter(
      ({ pointer }) => !isDraft || (pointer === '/servicePrincipal' && before.hasPrincipal)
    )
  )
}

function refuse(errors: readonly InputFault[]): void {
  if (errors.length === 0) return
  const detail = errors.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ')
  throw new AppError('fabric_incomplete', { detail, errors })
}
