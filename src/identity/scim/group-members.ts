import type { TeamId } from '../../base/ids.ts'
import type { Tx } from '../../store/db.ts'
import {
  deleteProvisionedMembers,
  deleteScimGroupMembers,
  insertProvisionedMembers,
  insertScimGroupMembers,
  listScimGroupMembers
} from '../../store/scim-groups.ts'
import { listKnownScimUsers } from '../../store/scim-users.ts'
import { ScimFault } from './scim-fault.ts'

/**
 * Makes `after` the members that the identity provider names, and gives or takes the places of those who are
 * members here already.
 * @throws ScimFault `invalidValue`: someone who was never announced
 */
export async function setGroupMembers(
  tx: Tx,
  id: TeamId,
  before: ReadonlySet<string>,
  after: ReadonlySet<string>
): Promise<void> {
  const added = [...after].filter((member) => !before.has(member))
  const removed = [...before].filter((member) => !after.has(member))
  const known = await listKnownScimUsers(tx, added)
  if (known.length < added.length) {
    throw new ScimFault('invalidValue', 'A member is no User that is known here')
  }
  await deleteProvisionedMembers(tx, id, await usersOf(tx, id, removed))
  await deleteScimGroupMembers(tx, id, removed)
  await insertScimGroupMembers(tx, id, added)
  await insertProvisionedMembers(tx, id, await usersOf(tx, id, added))
}

/** Those of the group's members who have logged in. */
async function usersOf(tx: Tx, id: TeamId, scimUserIds: readonly string[]): Promise<string[]> {
  if (scimUserIds.length === 0) return []
  const wanted = new Set(scimUserIds)
  const members = await listScimGroupMembers(tx, [id])
  return members.flatMap(({ scimUserId, userId }) =>
    userId !== null && wanted.has(scimUserId) ? [userId] : []
  )
}
