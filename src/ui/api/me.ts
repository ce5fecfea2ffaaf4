import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import type { Schemas } from '../generated/operations.ts'
import { call } from './client.ts'
import { pathOf } from './prefix.ts'
import { isCode } from './problem.ts'

export type Me = Schemas['Me']

/** Who is logged in; null: nobody. */
export const meQuery = queryOptions({
  queryKey: ['meGet'] as const,
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await call('meGet', {}, { signal, isAnonymousAllowed: true })
    } catch (err) {
      if (isCode(err, 'unauthenticated')) return null
      throw err
    }
  }
})

/** Who is logged in, below the shell, which shows nothing else before. */
export function useMe(): Me {
  const { data } = useSuspenseQuery(meQuery)
  if (data === null) throw new TypeError('the shell lets nobody in without a login')
  return data
}

export function useIsTenantAdmin(): boolean {
  return useMe().role === 'tenant_admin'
}

/** Whether one may change what belongs to the team. */
export function useIsTeamAdmin(teamId: string): boolean {
  const { role, teams } = useMe()
  return role === 'tenant_admin' || teams.some(({ id, role }) => id === teamId && role === 'admin')
}

/** Whether one may add a fabric to some team. */
export function useMayCreate(): boolean {
  const { role, teams } = useMe()
  return role === 'tenant_admin' || teams.some(({ role }) => role === 'admin')
}

/** Where a login begins that comes back to `returnTo`, a path of the pages. */
export function loginUrl(
  who: { readonly tenant?: string; readonly email?: string },
  returnTo: string
): string {
  const query = new URLSearchParams({ ...who, return_to: returnTo })
  return pathOf(`/auth/login?${query}`)
}
