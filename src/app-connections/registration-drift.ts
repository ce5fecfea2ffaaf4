import type { AppRegistration } from '../providers/account.ts'
import type { Provider } from '../providers/provider.ts'

/** One thing that is registered otherwise than Weft needs it; values as text, in any order. */
export interface RegistrationDifference {
  readonly member:
    | 'redirectUrls'
    | 'scopes'
    | 'refreshTokenTtlMinutes'
    | 'absoluteSessionLifetimeMinutes'
    | 'hasSingleUseRefreshTokens'
  readonly needed: readonly string[]
  readonly registered: readonly string[]
}

/** Scopes that the provider adds by itself are no difference; a policy that nobody set is none either. */
export function differencesOf(
  { account, oauth }: Provider,
  needed: AppRegistration,
  registered: AppRegistration
): RegistrationDifference[] {
  const extra = registered.scopes.filter(
    (scope) => needed.scopes.includes(scope) || !account.implicitScopes.includes(scope)
  )
  const ttl = (policy: AppRegistration['policy']) =>
    policy.refreshTokenTtlMinutes ?? oauth.refreshTokenTtlMinutes
  const all: RegistrationDifference[] = [
    {
      member: 'redirectUrls',
      needed: needed.redirectUrls,
      registered: registered.redirectUrls
    },
    { member: 'scopes', needed: needed.scopes, registered: extra },
    {
      member: 'refreshTokenTtlMinutes',
      needed: textOf(needed.policy.refreshTokenTtlMinutes),
      registered: textOf(ttl(registered.policy))
    },
    {
      member: 'absoluteSessionLifetimeMinutes',
      needed: textOf(needed.policy.absoluteSessionLifetimeMinutes),
      registered: textOf(registered.policy.absoluteSessionLifetimeMinutes)
    },
    {
      member: 'hasSingleUseRefreshTokens',
      needed: textOf(needed.policy.hasSingleUseRefreshTokens),
      registered: textOf(registered.policy.hasSingleUseRefreshTokens ?? false)
    }
  ]
  const isAsked = ({ member, needed: one }: RegistrationDifference) =>
    member === 'redirectUrls' || member === 'scopes' || one.length > 0
  return all.filter((one) => isAsked(one) && !isSameSet(one.needed, one.registered))
}

function textOf(value: number | boolean | null): string[] {
  return value === null ? [] : [String(value)]
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [new Set(one), new Set(other)]
  return a.size === b.size && [...a].every((value) => b.has(value))
}
