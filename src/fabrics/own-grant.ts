import type { UserId } from '../base/ids.ts'
import type { Tx } from '../store/db.ts'
import type { FabricRow } from '../store/fabrics.ts'
import type { UserGrantKey } from '../store/grants.ts'
import { appConnectionOf } from './fabric-view.ts'

/** Under what a person's grant for a fabric lies; null: there is no app connection to sign in with. */
export async function grantKeyOf(
  tx: Tx,
  row: FabricRow,
  userId: UserId | string
): Promise<UserGrantKey | null> {
  const { workspaceOrigin } = row
  if (row.authMethod === 'pat') return { userId, workspaceOrigin, appConnectionId: null }
  const connection = await appConnectionOf(tx, row)
  return connection === null ? null : { userId, workspaceOrigin, appConnectionId: connection.id }
}
