import { Stack, Text } from '@mantine/core'
import { useCall, useList } from '../../api/queries.ts'
import { CredentialRow } from '../../parts/credential-row.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import type { Member } from './member.ts'

/** Somebody's personal access tokens, to be revoked where that has to be. */
export function MemberTokens({ member }: { readonly member: Member }) {
  const list = useList('personalTokenListOfMember', { path: { userId: member.id } })
  const revoke = useCall('personalTokenRevokeOfMember', ['personalTokenListOfMember'])
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500}>
        Personal access tokens
      </Text>
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.items.length === 0 && !list.isError && (
        <Text size="sm" c="dimmed">
          {list.isPending ? '…' : 'None.'}
        </Text>
      )}
      <ul className="plain-list" aria-label={`Tokens of ${member.name}`}>
        {list.items.map((token) => (
          <CredentialRow
            key={token.id}
            kind="token"
            of={token}
            warning="Whatever uses it is refused at once. This cannot be undone."
            onRevoke={() => revoke.mutateAsync({ path: { userId: member.id, tokenId: token.id } })}
          />
        ))}
      </ul>
    </Stack>
  )
}
