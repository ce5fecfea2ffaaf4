import { AppError } from '../base/errors.ts'
import type { FabricId, TeamId } from '../base/ids.ts'
import type { Operation } from '../base/operations.ts'
import type { Authority, TenantScope } from '../base/tenant-scope.ts'

export type Role =
  | 'platform_operator'
  | 'tenant_admin'
  | 'team_admin'
  | 'member'
  | 'service_account'
  | 'scim_token'
export type TenantRole = 'tenant_admin' | 'member'
export type TeamRole = 'admin' | 'member'

const nobody: readonly Role[] = []
const operators: readonly Role[] = ['platform_operator']
const tenantAdmins: readonly Role[] = ['tenant_admin']
const teamAdmins: readonly Role[] = ['tenant_admin', 'team_admin']
const identityProvider: readonly Role[] = ['scim_token']
const people: readonly Role[] = ['tenant_admin', 'team_admin', 'member']

/** Who may do what; what is not here, nobody may. `nobody` marks what has no caller yet (public routes). */
export const roleTable: Readonly<Record<Operation, readonly Role[]>> = {
  'app_connection.list': tenantAdmins,
  'app_connection.get': tenantAdmins,
  'app_connection.create': tenantAdmins,
  'app_connection.update': tenantAdmins,
  'app_connection.delete': tenantAdmins,
  'app_connection.add_secret': tenantAdmins,
  'app_connection.delete_secret': tenantAdmins,
  'app_connection.verify': tenantAdmins,
  'app_connection.register': tenantAdmins,
  'app_connection.check_registration': tenantAdmins,
  'app_connection.mend_registration': tenantAdmins,
  'app_connection.delete_registration': tenantAdmins,
  'audit.find_token': tenantAdmins,
  'audit.head': tenantAdmins,
  'audit.list': tenantAdmins,
  'audit.verify': tenantAdmins,
  'capability.list': people,
  'connection.get': people,
  'connection.delete': people,
  'connection.put_token': people,
  'endpoint.discover': [...people, 'service_account'],
  'endpoint.query': [...people, 'service_account'],
  'fabric.list': people,
  'fabric.get': people,
  'fabric.create': teamAdmins,
  'fabric.update': teamAdmins,
  'fabric.delete': teamAdmins,
  'fabric.complete': teamAdmins,
  'fabric.transfer': teamAdmins,
  'fabric.test': people,
  'fabric.sign_in': people,
  'fabric.usage': people,
  'fabric.usage_of_others': teamAdmins,
  'federation_policy.get': teamAdmins,
  'federation_policy.register': teamAdmins,
  'deployment.list': people,
  'deployment.get': people,
  'deployment.put': teamAdmins,
  'deployment.delete': teamAdmins,
  'deployment_run.list': people,
  'deployment_run.get': people,
  'deployment_run.create': teamAdmins,
  'deployment_run.cancel': teamAdmins,
  'service_principal.use': [...teamAdmins, 'service_account'],
  'service_principal.add_secret': teamAdmins,
  'service_principal.delete_secret': teamAdmins,
  'sign_in_attempt.get': people,
  'sign_in_attempt.finish': people,
  'login_provider.list': tenantAdmins,
  'login_provider.get': tenantAdmins,
  'login_provider.create': tenantAdmins,
  'login_provider.update': tenantAdmins,
  'login_provider.delete': tenantAdmins,
  'login_provider.verify': tenantAdmins,
  'login.start': nobody,
  'login.finish': nobody,
  'login.backchannel_logout': nobody,
  logout: people,
  'me.get': people,
  'me.switch_tenant': people,
  'session.list': people,
  'session.delete': people,
  'session.end_of_member': tenantAdmins,
  'session.end_all': tenantAdmins,
  'tenant_settings.get': tenantAdmins,
  'tenant_settings.update': tenantAdmins,
  'personal_token.list': people,
  'personal_token.create': people,
  'personal_token.revoke': people,
  'personal_token.list_of_member': tenantAdmins,
  'personal_token.revoke_of_member': tenantAdmins,
  'member.list': teamAdmins,
  'member.get': teamAdmins,
  'member.update': tenantAdmins,
  'member.delete': tenantAdmins,
  'invitation.list': tenantAdmins,
  'invitation.create': tenantAdmins,
  'invitation.delete': tenantAdmins,
  'invitation.open': nobody,
  'team.list': people,
  'team.get': people,
  'team.create': tenantAdmins,
  'team.update': teamAdmins,
  'team.delete': teamAdmins,
  'team_member.list': people,
  'team_member.put': teamAdmins,
  'team_member.delete': teamAdmins,
  'scim_token.list': tenantAdmins,
  'scim_token.create': tenantAdmins,
  'scim_token.delete': tenantAdmins,
  'scim.describe': identityProvider,
  'scim_user.list': identityProvider,
  'scim_user.get': identityProvider,
  'scim_user.create': identityProvider,
  'scim_user.update': identityProvider,
  'scim_user.delete': identityProvider,
  'scim_group.list': identityProvider,
  'scim_group.get': identityProvider,
  'scim_group.create': identityProvider,
  'scim_group.update': identityProvider,
  'scim_group.delete': identityProvider,
  'delegation.list': people,
  'delegation.create': people,
  'delegation.revoke': people,
  'delegation.manage_of_others': tenantAdmins,
  'service_account.list': tenantAdmins,
  'service_account.get': tenantAdmins,
  'service_account.create': tenantAdmins,
  'service_account.update': tenantAdmins,
  'service_account.delete': tenantAdmins,
  'service_account.set_fabrics': tenantAdmins,
  'service_key.list': tenantAdmins,
  'service_key.create': tenantAdmins,
  'service_key.revoke': tenantAdmins,
  'federated_identity.list': tenantAdmins,
  'federated_identity.get': tenantAdmins,
  'federated_identity.create': tenantAdmins,
  'federated_identity.update': tenantAdmins,
  'federated_identity.delete': tenantAdmins,
  'federated_identity.test': tenantAdmins,
  'service_token.issue': nobody,
  'settings.export': tenantAdmins,
  'settings.import': tenantAdmins,
  'tenant.list': operators,
  'tenant.get': operators,
  'tenant.create': operators,
  'tenant.update': operators,
  'tenant.suspend': operators,
  'tenant.resume': operators,
  'tenant.erase': operators,
  'webhook.list': tenantAdmins,
  'webhook.get': tenantAdmins,
  'webhook.create': tenantAdmins,
  'webhook.update': tenantAdmins,
  'webhook.delete': tenantAdmins,
  'webhook.pause': tenantAdmins,
  'webhook.resume': tenantAdmins,
  'webhook.rotate_secret': tenantAdmins,
  'webhook.test': tenantAdmins,
  'webhook.redeliver': tenantAdmins,
  'webhook.list_deliveries': tenantAdmins,
  'operations.get': operators,
  'incident.get': operators,
  'incident.revoke': operators,
  'health.live': nobody,
  'health.ready': nobody,
  'openapi.get': nobody,
  'oauth_metadata.get': nobody,
  'page.get': nobody
}

/** What a row says, narrowed: whatever else it might hold is the lesser role. */
export function teamRoleOf(role: string): TeamRole {
  return role === 'admin' ? 'admin' : 'member'
}

/** What the database says about a caller. */
export type PrincipalFacts =
  | {
      readonly kind: 'user'
      readonly role: TenantRole
      /** Which gives no right to anything in a tenant. */
      readonly isPlatformOperator?: boolean
      readonly teams: readonly { readonly id: TeamId; readonly role: TeamRole }[]
    }
  | { readonly kind: 'service_account'; readonly fabricId?: FabricId | null }
  | { readonly kind: 'scim_token' }

/**
 * The one reading of the table. With a team, the caller's role in that very team counts and a stranger to
 * it has none; without one, the answer is whether the caller may do it anywhere, as a first gate only.
 * A service account belongs to no team and sees no fabric by itself: which ones it may query stands in its
 * own list, which the gateway asks. A SCIM token does what SCIM does, and nothing else.
 */
export function authorityOf(facts: PrincipalFacts): Authority {
  return {
    may: (operation, teamId) => {
      const allowed = Object.hasOwn(roleTable, operation) ? roleTable[operation] : nobody
      return rolesOf(facts, teamId).some((role) => allowed.includes(role))
    },
    teams: teamsOf(facts),
    ...(facts.kind === 'service_account' && facts.fabricId && { fabrics: [facts.fabricId] })
  }
}

function rolesOf(facts: PrincipalFacts, teamId: TeamId | undefined): readonly Role[] {
  if (facts.kind !== 'user') return [facts.kind]
  const roles = rolesInTenant(facts, teamId)
  return facts.isPlatformOperator === true ? ['platform_operator', ...roles] : roles
}

function rolesInTenant(
  facts: Extract<PrincipalFacts, { kind: 'user' }>,
  teamId: TeamId | undefined
): readonly Role[] {
  if (facts.role === 'tenant_admin') return ['tenant_admin']
  const teams = teamId === undefined ? facts.teams : facts.teams.filter(({ id }) => id === teamId)
  if (teamId !== undefined && teams.length === 0) return []
  return teams.some(({ role }) => role === 'admin') ? ['team_admin', 'member'] : ['member']
}

function teamsOf(facts: PrincipalFacts): Authority['teams'] {
  if (facts.kind !== 'user') return []
  return facts.role === 'tenant_admin' ? 'all' : facts.teams.map(({ id }) => id)
}

/** @throws AppError `forbidden` */
export function requireAuthority(
  scope: Pick<TenantScope, 'authority'>,
  operation: Operation
): void {
  if (!scope.authority.may(operation)) throw new AppError('forbidden')
}
