import { Button, Group, Stack, Text } from '@mantine/core'
import { useCall, useList } from '../../api/queries.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Time } from '../../parts/time.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
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
        {list.items.map(({ id, name, hint, lastUsedAt }) => (
          <Group key={id} component="li" justify="space-between" py={6} wrap="nowrap">
            <Text size="sm">
              {name}{' '}
              <Text span size="xs" c="dimmed">
                {hint}, last used <Time at={lastUsedAt} />
              </Text>
            </Text>
            <Button
              variant="subtle"
              color="red"
              size="xs"
              aria-label={`Revoke ${name}`}
              onClick={() =>
                revoke.mutate(
                  { path: { userId: member.id, tokenId: id } },
                  { onSuccess: () => toast('The token is revoked'), onError: toastProblem }
                )
              }
            >
              Revoke
            </Button>
          </Group>
        ))}
      </ul>
    </Stack>
  )
}
