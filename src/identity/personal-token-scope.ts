import { plusMs } from '../base/clock.ts'
import { asId, type FabricId } from '../base/ids.ts'
import type { Operation } from '../base/operations.ts'
import type { Authority } from '../base/tenant-scope.ts'
import type { PersonalTokenRow } from '../store/personal-tokens.ts'

/** What a personal access token was narrowed to when it was made. */
export interface TokenScope {
  /** Null: all that its person sees. */
  readonly fabrics: readonly FabricId[] | null
  /** `query`: the data plane, and reading; `read`: reading alone. */
  readonly access: 'read' | 'query'
}

/** What the tenant allows of its members' tokens. */
export interface TokenPolicy {
  readonly personalTokensAllowed: boolean
  readonly personalTokenMaxDays: number
}

export const dayMs = 24 * 3_600_000

/** Reading what has to do with fabrics. */
const readsOfFabrics: readonly Operation[] = [
  'capability.list',
  'connection.get',
  'deployment.list',
  'endpoint.discover',
  'fabric.list',
  'fabric.get',
  'fabric.usage',
  'fabric.usage_of_others',
  'me.get'
]

/** All other reading: for tokens that list no fabrics. */
const reads: readonly Operation[] = [
  ...readsOfFabrics,
  'app_connection.list',
  'app_connection.get',
  'audit.head',
  'audit.list',
  'audit.verify',
  'delegation.list',
  'invitation.list',
  'login_provider.list',
  'login_provider.get',
  'member.list',
  'member.get',
  'personal_token.list',
  'personal_token.list_of_member',
  'service_account.list',
  'service_account.get',
  'service_key.list',
  'settings.export',
  'team.list',
  'team.get',
  'team_member.list',
  'tenant_settings.get'
]

/** The operations that a token of this scope may ever do; each takes the person's own right to it as well. */
export function operationsOfToken({ fabrics, access }: TokenScope): ReadonlySet<Operation> {
  const read = fabrics === null ? reads : readsOfFabrics
  return new Set(access === 'query' ? [...read, 'endpoint.query'] : read)
}

/**
 * What is left of a person's authority. No token changes anything here, whoever its person is: it makes and
 * revokes no credential, signs nobody in and is nobody's admin.
 */
export function narrowedTo(authority: Authority, scope: TokenScope): Authority {
  const allowed = operationsOfToken(scope)
  return {
    may: (operation, teamId) => allowed.has(operation) && authority.may(operation, teamId),
    teams: authority.teams,
    isPersonOnly: true,
    ...(scope.fabrics !== null && { fabrics: scope.fabrics })
  }
}

export function scopeOfToken(
  row: Pick<PersonalTokenRow, 'access' | 'hasFabricList' | 'fabricIds'>
): TokenScope {
  return {
    fabrics: row.hasFabricList ? row.fabricIds.map((id) => asId('fabric', id)) : null,
    access: row.access === 'query' ? 'query' : 'read'
  }
}

/** A life that the tenant has shortened since counts for tokens that live already. */
export function endOfToken(
  { createdAt, expiresAt }: Pick<PersonalTokenRow, 'createdAt' | 'expiresAt'>,
  { personalTokenMaxDays }: TokenPolicy
): Date {
  const last = plusMs(createdAt, personalTokenMaxDays * dayMs)
  return last < expiresAt ? last : expiresAt
}
