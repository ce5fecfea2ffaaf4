import { AppError } from '../base/errors.ts'
import type { TeamId } from '../base/ids.ts'
import type { Operation } from '../base/operations.ts'
import type { Tx } from '../store/db.ts'
import { findTeam, type TeamRow } from '../store/teams.ts'

/**
 * The team, when the actor sees it and may do `operation` with it.
 * @throws AppError `not_found`: no such team, or one that the actor does not see; `forbidden`
 */
export async function mustFindTeam(tx: Tx, id: TeamId, operation: Operation): Promise<TeamRow> {
  const { teams, may } = tx.scope.authority
  const row = teams === 'all' || teams.includes(id) ? await findTeam(tx, id) : null
  if (row === null) throw new AppError('not_found')
  if (!may(operation, id)) throw new AppError('forbidden')
  return row
}

/** The same for what is not done to a personal team, whoever asks. */
export async function mustFindSharedTeam(
  tx: Tx,
  id: TeamId,
  operation: Operation
): Promise<TeamRow> {
  const row = await mustFindTeam(tx, id, operation)
  if (row.kind === 'shared') return row
  throw new AppError('forbidden', { detail: 'A personal team comes and goes with its person' })
}
