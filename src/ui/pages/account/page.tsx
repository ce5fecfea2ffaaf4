import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMe } from '../../api/me.ts'
import { queryOf, useList } from '../../api/queries.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { Delegations } from './delegations.tsx'
import { PersonalTokens } from './personal-tokens.tsx'
import { Sessions } from './sessions.tsx'
import { SignIns } from './sign-ins.tsx'

/** What is one's own: who one is, where one is signed in, and who may act as oneself. */
export function AccountPage() {
  const { user, tenant, role, teams } = useMe()
  const parts = [
    useList('fabricList', {}),
    useList('personalTokenList', {}),
    useList('delegationList', {}),
    useQuery(queryOf('sessionList', {}))
  ]
  // Together, so that nothing moves while one reads.
  const isPending = parts.some((part) => part.isPending)
  return (
    <Page title="My account" description="Who you are here, and everything that acts as you.">
      <Stack className="card" p="lg">
        <Facts
          facts={[
            ['Name', user.name],
            ['Email', user.email],
            ['Organisation', `${tenant.name}, as ${role === 'tenant_admin' ? 'admin' : 'member'}`],
            [
              'Teams',
              teams
                .map((team) => `${team.name}${team.role === 'admin' ? ' (admin)' : ''}`)
                .join(', ')
            ],
            ['User id', <Copyable key="id" value={user.id} label="Copy the user id" />]
          ]}
        />
      </Stack>
      {isPending ? (
        <Loading of="your account" />
      ) : (
        <>
          <SignIns />
          <PersonalTokens />
          <Delegations />
          <Sessions />
        </>
      )}
    </Page>
  )
}
