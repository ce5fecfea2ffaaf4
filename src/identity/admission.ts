import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, newId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import type { InvitationRow } from '../store/invitations.ts'
import {
  findMembership,
  hasTenantAdmin,
  insertMembership,
  lockMemberships,
  updateMembership
} from '../store/memberships.ts'
import { lockScimUser, type ScimUserRow } from '../store/scim-users.ts'
import { insertTeam, insertTeamMember, listDefaultTeams, upsertTeamMember } from '../store/teams.ts'
import { findUserByIdentity, type UserRow } from '../store/users.ts'
import { spendInvitation } from './acceptance.ts'
import { identityHash, isSameEmail, type Person } from './person.ts'
import type { TeamRole, TenantRole } from './roles.ts'
import { linkAnnounced } from './scim/linking.ts'

/** What decides whether a person who is no member yet may become one by logging in. */
export interface AdmissionRule {
  /** Lower case; empty: whoever the issuer authenticates. */
  readonly emailDomains: readonly string[]
  /** The person is in a group that stands for a role here. */
  readonly isInMappedGroup: boolean
  /** Of this tenant; null where none is named. */
  readonly bootstrapAdmin: string | null
}

/** What speaks for one person beside the rule. */
export interface Admission extends AdmissionRule {
  /** One for this very person, to be spent; null: they carry none. */
  readonly invitation: InvitationRow | null
  /** Whom the identity provider meant by them by SCIM; null: nobody who is not somebody already. */
  readonly announced: ScimUserRow | null
}

/** Whether the login provider's rule lets this person join as a member. */
export function mayJoin(person: Person, { emailDomains, isInMappedGroup }: AdmissionRule): boolean {
  if (emailDomains.length === 0 || isInMappedGroup) return true
  if (person.email === null || !person.isEmailVerified) return false
  return emailDomains.includes(person.email.domain)
}

/** Whether this is the person whom the operator named; whether they are needed yet is another question. */
export function isBootstrapAdmin(person: Person, { bootstrapAdmin }: AdmissionRule): boolean {
  if (bootstrapAdmin === null || person.email === null || !person.isEmailVerified) return false
  return isSameEmail(person.email, bootstrapAdmin)
}

/** A first look, before anything is written about a person who may be a stranger. */
export async function isAdmissible(
  db: Db,
  scope: TenantScope,
  person: Person,
  rule: Admission
): Promise<boolean> {
  const user = await findUserByIdentity(db, identityHash(person.issuer, person.subject))
  return await db.inTenant(scope, async (tx) => {
    const membership = user === null ? null : await findMembership(tx, user.id)
    if (rule.announced?.isActive === false) return false
    if (membership !== null) return membership.status === 'active'
    if (rule.invitation !== null || rule.announced !== null || mayJoin(person, rule)) return true
    return isBootstrapAdmin(person, rule) && !(await hasTenantAdmin(tx))
  })
}

/**
 * Makes the person a member where they are none yet, with a team of their own and a place in the
 * teams that everybody joins; the bootstrap admin becomes the tenant's first admin, once, however many log
 * in at once. An invitation is spent: it gives its role and teams, and takes none.
 * @throws AppError `forbidden`: no member and may not become one, or suspended; `attempt_expired`: the
 *   invitation was used or withdrawn meanwhile
 */
export async function admit(
  tx: Tx,
  deps: { readonly audit: Audit; readonly clock: Clock },
  user: UserRow,
  person: Person,
  rule: Admission
): Promise<void> {
  await lockMemberships(tx)
  const membership = await findMembership(tx, user.id)
  if (membership !== null && membership.status !== 'active') throw new AppError('forbidden')
  const { invitation } = rule
  const announced = rule.announced && (await lockScimUser(tx, rule.announced.id))
  if (announced?.isActive === false) throw new AppError('forbidden')
  const isAnnounced = announced !== null && announced.link === null
  const isFirstAdmin = isBootstrapAdmin(person, rule) && !(await hasTenantAdmin(tx))
  const isExpected = membership !== null || isFirstAdmin || invitation !== null || isAnnounced
  if (!isExpected && !mayJoin(person, rule)) throw new AppError('forbidden')
  const isRaised = isFirstAdmin || invitation?.role === 'tenant_admin'
  const role = isRaised || membership?.role === 'tenant_admin' ? 'tenant_admin' : 'member'
  const actor = { kind: 'user', id: asId('user', user.id) } as const
  const object = ['user', user.id] as const
  if (membership === null) await insertMember(tx, deps.clock, user, role)
  else if (membership.role !== role) await updateMembership(tx, user.id, { role })
  if (isFirstAdmin) await placeInDefaultTeams(tx, user.id, 'admin')
  if (isAnnounced) await linkAnnounced(tx, announced, user.id)
  if (membership === null || isFirstAdmin) {
    const details = { role, isBootstrap: isFirstAdmin }
    await deps.audit.append(tx, { action: 'member.join', object, actor, details })
  }
  if (invitation === null) return
  await spendInvitation(tx, deps.clock, invitation, user.id)
  const details = { role: invitation.role, invitationId: invitation.id }
  await deps.audit.append(tx, { action: 'invitation.accept', object, actor, details })
}

async function insertMember(tx: Tx, clock: Clock, user: UserRow, role: TenantRole): Promise<void> {
  await insertMembership(tx, { userId: user.id, role, createdAt: clock.now() })
  await insertPersonalTeam(tx, clock, user)
  await placeInDefaultTeams(tx, user.id, 'member')
}

async function placeInDefaultTeams(tx: Tx, userId: string, role: TeamRole): Promise<void> {
  for (const team of await listDefaultTeams(tx)) {
    await upsertTeamMember(tx, { teamId: team.id, userId, role })
  }
}

async function insertPersonalTeam(tx: Tx, clock: Clock, user: UserRow): Promise<void> {
  const teamId = newId('team', clock)
  const name = user.email === '' ? user.name : user.email
  await insertTeam(tx, { id: teamId, name, kind: 'personal', createdAt: clock.now() })
  await insertTeamMember(tx, { teamId, userId: user.id, role: 'admin' })
}
