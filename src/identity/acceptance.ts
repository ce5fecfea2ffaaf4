import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { hashToken } from '../crypto/bearer.ts'
import type { Tx } from '../store/db.ts'
import {
  acceptInvitation,
  deleteOpenInvitationsTo,
  findOpenInvitation,
  type InvitationRow
} from '../store/invitations.ts'
import { findTeam, insertTeamMember, listTeamsOfUser } from '../store/teams.ts'
import { opaqueToken } from './login-attempt.ts'
import { isSameEmail, type Person } from './person.ts'

/**
 * The invitation that this browser carries, when it is of this tenant and still open.
 * @throws AppError `forbidden`: it is for another address than the one that the login provider vouches for
 */
export async function findInvitationFor(
  tx: Tx,
  token: string | null,
  person: Person,
  now: Date
): Promise<InvitationRow | null> {
  if (token === null || !opaqueToken.test(token)) return null
  const row = await findOpenInvitation(tx, hashToken(token), now)
  if (row === null) return null
  if (person.email !== null && person.isEmailVerified && isSameEmail(person.email, row.email)) {
    return row
  }
  throw new AppError('forbidden', {
    detail:
      'This invitation is for another address than the one that your organisation confirms for you. ' +
      'Log out there, then open the link again and log in with the address that was invited.'
  })
}

/**
 * Its one use, in the transaction that makes the person a member.
 * @throws AppError `attempt_expired`: it was used or withdrawn meanwhile
 */
export async function spendInvitation(
  tx: Tx,
  clock: Clock,
  invitation: InvitationRow,
  userId: string
): Promise<void> {
  if (!(await acceptInvitation(tx, invitation.id, userId, clock.now()))) {
    throw new AppError('attempt_expired')
  }
  await deleteOpenInvitationsTo(tx, invitation.email)
  const present = await listTeamsOfUser(tx, userId)
  for (const teamId of invitation.teamIds) {
    const isThere = present.some(({ id }) => id === teamId)
    if (isThere || (await findTeam(tx, teamId)) === null) continue
    await insertTeamMember(tx, { teamId, userId, role: 'member' })
  }
}
