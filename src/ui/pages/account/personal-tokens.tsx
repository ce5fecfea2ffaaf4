import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
import { NewToken } from './new-token.tsx'

type Token = Schemas['PersonalToken']

function reachOf({ scope }: Token): string {
  const what = scope.access === 'read' ? 'Reads' : 'Queries'
  const count = scope.fabrics?.length
  if (count === undefined) return `${what} every fabric of yours`
  return `${what} ${count} ${count === 1 ? 'fabric' : 'fabrics'}`
}

function TokenRow({ token }: { readonly token: Token }) {
  const confirm = useConfirm()
  const revoke = useCall('personalTokenRevoke', ['personalTokenList'])
  const isOver = Date.parse(token.expiresAt) < Date.now()
  const remove = async () => {
    const isSure = await confirm({
      title: `Revoke “${token.name}”?`,
      text: 'Whatever uses it is refused at once. This cannot be undone.',
      action: 'Revoke the token',
      isDangerous: true
    })
    if (!isSure) return
    const input = { path: { tokenId: token.id } }
    revoke.mutate(input, { onSuccess: () => toast('The token is revoked'), onError: toastProblem })
  }
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={500}>
            {token.name}
          </Text>
          <Text size="xs" c="dimmed" className="mono">
            {token.hint}
          </Text>
          {isOver && (
            <Badge variant="light" color="gray" size="sm" radius="sm">
              Expired
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          {reachOf(token)}
        </Text>
      </Stack>
      <Text size="sm" c="dimmed">
        {isOver ? 'Ended' : 'Ends'} <Time at={token.expiresAt} />, last used{' '}
        <Time at={token.lastUsedAt} />
      </Text>
      <Button
        variant="subtle"
        color="red"
        size="xs"
        aria-label={`Revoke ${token.name}`}
        loading={revoke.isPending}
        onClick={remove}
      >
        Revoke
      </Button>
    </li>
  )
}

/** For one's own scripts: tokens that act as oneself, and end. */
export function PersonalTokens() {
  const list = useList('personalTokenList', {})
  const [isMaking, setIsMaking] = useState(false)
  return (
    <Section
      title="Personal access tokens"
      description="For your own scripts and notebooks. A token acts as you; for services that run on their own, use a service account."
      action={
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => setIsMaking(true)}
        >
          New token
        </Button>
      }
    >
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && list.items.length === 0 && <Nothing>You have no token.</Nothing>}
      <ul className="plain-list" aria-label="Personal access tokens">
        {list.items.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button variant="subtle" size="xs" m="sm" onClick={() => list.fetchNextPage()}>
          Show more
        </Button>
      )}
      <NewToken isOpen={isMaking} onClose={() => setIsMaking(false)} />
    </Section>
  )
}
