import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Actor } from '../base/tenant-scope.ts'
import type { Tx } from '../store/db.ts'
import {
  addMappedMember,
  type GroupMappingRow,
  listMappingsOfUser,
  removeMappedMember,
  removeMappedMembers
} from '../store/group-mappings.ts'
import { deleteLoginAttemptsOf } from '../store/login-attempts.ts'
import { noteLoginProvider } from '../store/login-providers.ts'
import type { GroupClaim } from './login-claims.ts'

export function mappingsIn(
  mappings: readonly GroupMappingRow[],
  { ids }: GroupClaim
): readonly GroupMappingRow[] {
  return mappings.filter(({ groupId }) => ids.includes(groupId))
}

/**
 * Gives the person what their groups stand for now, and takes what they stood for at the last login. What
 * was given by hand stays. Too many groups for a token: nothing is known, so nothing changes, and it is noted.
 */
export async function applyGroups(
  tx: Tx,
  { audit, clock }: { readonly audit: Audit; readonly clock: Clock },
  actor: Actor,
  login: {
    readonly loginProviderId: string
    readonly mappings: readonly GroupMappingRow[]
    readonly groups: GroupClaim
  }
): Promise<void> {
  const { loginProviderId, mappings, groups } = login
  if (mappings.length === 0) return
  if (groups.isOverage) {
    await noteLoginProvider(tx, loginProviderId, { groupsOverageAt: clock.now() })
    return
  }
  const wanted = mappingsIn(mappings, groups).map(({ id }) => id)
  const present = await listMappingsOfUser(tx, loginProviderId, actor.id)
  const added = wanted.filter((id) => !present.includes(id))
  const removed = present.filter((id) => !wanted.includes(id))
  if (added.length === 0 && removed.length === 0) return
  await addMappedMember(tx, actor.id, added)
  await removeMappedMember(tx, actor.id, removed)
  await audit.append(tx, {
    action: 'member.map_groups',
    object: ['user', actor.id],
    actor,
    details: { added: named(added), removed: named(removed) }
  })

  function named(ids: readonly string[]): string[] {
    return mappings
      .filter(({ id }) => ids.includes(id))
      .map(({ groupId, teamId, role }) => `${groupId} ${teamId ?? 'tenant'} ${role}`)
  }
}

/** After a change of issuer or client: who came by the old ones is not who would come by the new ones. */
export async function forgetLogins(tx: Tx, loginProviderId: string): Promise<void> {
  await removeMappedMembers(tx, loginProviderId)
  await deleteLoginAttemptsOf(tx, loginProviderId)
}
