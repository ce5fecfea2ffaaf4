import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, newId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import {
  findMembership,
  hasTenantAdmin,
  insertMembership,
  lockMemberships,
  updateMembership
} from '../store/memberships.ts'
import { insertTeam, insertTeamMember, listDefaultTeams, upsertTeamMember } from '../store/teams.ts'
import { findUserByIdentity, type UserRow } from '../store/users.ts'
import { identityHash, isSameEmail, type Person } from './person.ts'

/** What decides whether a person who is no member yet may become one by logging in. */
export interface AdmissionRule {
  /** Lower case; empty: whoever the issuer authenticates. */
  readonly emailDomains: readonly string[]
  /** Of this tenant; null where none is named. */
  readonly bootstrapAdmin: string | null
}

/** Whether the login provider's rule lets this person join as a member. */
export function mayJoin(person: Person, { emailDomains }: AdmissionRule): boolean {
  if (emailDomains.length === 0) return true
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
  rule: AdmissionRule
): Promise<boolean> {
  const user = await findUserByIdentity(db, identityHash(person.issuer, person.subject))
  return await db.inTenant(scope, async (tx) => {
    const membership = user === null ? null : await findMembership(tx, user.id)
    if (membership !== null) return membership.status === 'active'
    if (mayJoin(person, rule)) return true
    return isBootstrapAdmin(person, rule) && !(await hasTenantAdmin(tx))
  })
}

/**
 * Makes the person a member where they are none yet, with a team of their own and a place in the
 * teams that everybody joins; the bootstrap admin becomes the tenant's first admin, once, however many log
 * in at once.
 * @throws AppError `forbidden`: no member and may not become one, or suspended
 */
export async function admit(
  tx: Tx,
  deps: { readonly audit: Audit; readonly clock: Clock },
  user: UserRow,
  person: Person,
  rule: AdmissionRule
): Promise<void> {
  await lockMemberships(tx)
  const membership = await findMembership(tx, user.id)
  if (membership !== null && membership.status !== 'active') throw new AppError('forbidden')
  const isFirstAdmin = isBootstrapAdmin(person, rule) && !(await hasTenantAdmin(tx))
  if (membership !== null && !isFirstAdmin) return
  if (membership === null && !isFirstAdmin && !mayJoin(person, rule))
    throw new AppError('forbidden')
  const role = isFirstAdmin ? 'tenant_admin' : 'member'
  if (membership === null) {
    await insertMembership(tx, { userId: user.id, role, createdAt: deps.clock.now() })
    await insertPersonalTeam(tx, deps.clock, user)
  } else {
    await updateMembership(tx, user.id, { role })
  }
  for (const team of await listDefaultTeams(tx)) {
    const teamRole = isFirstAdmin ? 'admin' : 'member'
    await upsertTeamMember(tx, { teamId: team.id, userId: user.id, role: teamRole })
  }
  await deps.audit.append(tx, {
    action: 'member.join',
    object: ['user', user.id],
    actor: { kind: 'user', id: asId('user', user.id) },
    details: { role, isBootstrap: isFirstAdmin }
  })
}

async function insertPersonalTeam(tx: Tx, clock: Clock, user: UserRow): Promise<void> {
  const teamId = newId('team', clock)
  const name = user.email === '' ? user.name : user.email
  await insertTeam(tx, { id: teamId, name, kind: 'personal', createdAt: clock.now() })
  await insertTeamMember(tx, { teamId, userId: user.id, role: 'admin' })
}
