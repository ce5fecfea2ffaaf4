import { AppError } from '../base/errors.ts'
import { asId, idPattern, type UserId } from '../base/ids.ts'
import type { Tx } from '../store/db.ts'
import { findDelegation } from '../store/delegations.ts'
import type { FabricRow } from '../store/fabrics.ts'
import { isMappedAdmin } from '../store/group-mappings.ts'
import { findMembership } from '../store/memberships.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { findMemberIdsByEmail } from '../store/users.ts'

/** Whom a service account acts as, through which endpoints and until when. */
export interface Delegated {
  readonly userId: UserId
  /** Null: no list narrows it. */
  readonly endpoints: readonly string[] | null
  readonly expiresAt: Date
}

const userIdPattern = new RegExp(idPattern('user'))

/**
 * The person's own word for this service account and this fabric, while it holds: they are a member, they see the
 * fabric themself, and the tenant allows it. Whether there is such a person is not told to a stranger to them.
 * @param user id or verified address
 * @throws AppError `forbidden`, with a link by which the person can grant it
 */
export async function mustFindDelegated(
  tx: Tx,
  row: FabricRow,
  user: string,
  { publicUrl, now }: { readonly publicUrl: string; readonly now: Date }
): Promise<Delegated> {
  if (!(await readTenantSettings(tx)).delegationsAllowed) {
    const detail =
      'Your organisation lets no service account act as a person; its admins decide that'
    throw new AppError('forbidden', { detail })
  }
  const serviceAccountId = tx.scope.actor.id
  const userId = await findUserId(tx, user)
  const delegation =
    userId === null
      ? null
      : await findDelegation(tx, { userId, serviceAccountId, fabricId: row.id })
  const isGood = delegation !== null && delegation.expiresAt > now
  if (!isGood || userId === null || !(await seesFabric(tx, userId, row))) {
    const query = new URLSearchParams({ delegate: serviceAccountId, fabric: row.id })
    throw new AppError('forbidden', {
      detail: 'This person has not delegated this fabric to the service account',
      actionUrl: `${publicUrl}/console?${query}`
    })
  }
  const { hasEndpointList, endpoints, expiresAt } = delegation
  return { userId, endpoints: hasEndpointList ? endpoints : null, expiresAt }
}

/** An address that two people have is nobody's. */
async function findUserId(tx: Tx, user: string): Promise<UserId | null> {
  if (userIdPattern.test(user)) return asId('user', user)
  const [id, ...others] = await findMemberIdsByEmail(tx, user)
  return id === undefined || others.length > 0 ? null : asId('user', id)
}

async function seesFabric(tx: Tx, userId: UserId, { teamId }: FabricRow): Promise<boolean> {
  const membership = await findMembership(tx, userId)
  if (membership?.status !== 'active') return false
  if (membership.role === 'tenant_admin' || (await isMappedAdmin(tx, userId))) return true
  return (await listTeamsOfUser(tx, userId)).some(({ id }) => id === teamId)
}
