import { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import type { Tx } from '../store/db.ts'
import { findFabric } from '../store/fabrics.ts'

/** @throws AppError `not_found`: no such fabric, or one of a team that the actor does not see */
export async function mustSeeFabric(tx: Tx, id: string): Promise<void> {
  const { teams } = tx.scope.authority
  const row = await findFabric(tx, id)
  const isSeen = row !== null && (teams === 'all' || teams.includes(asId('team', row.teamId)))
  if (!isSeen) throw new AppError('not_found', { detail: 'No such fabric' })
}
