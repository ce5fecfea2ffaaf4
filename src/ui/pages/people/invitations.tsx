import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { IconMail } from '@tabler/icons-react'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Time } from '../../parts/time.tsx'
import { tell } from '../../parts/toast.ts'
import { VirtualList } from '../../parts/virtual-list.tsx'
import '../../parts/section.css'

const states = {
  pending: ['indigo', 'Not answered yet'],
  accepted: ['teal', 'Accepted'],
  expired: ['gray', 'Expired']
} as const

export function Invitations() {
  const list = useList('invitationList', {})
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  if (list.isPending) return <Loading of="invitations" />
  if (list.isError) return <ProblemView error={list.error} onRetry={() => list.refetch()} />
  if (list.items.length === 0) {
    return (
      <Empty icon={<IconMail size={22} />} title="No invitation">
        Invite people by their address. Whom your login provider lets in needs none.
      </Empty>
    )
  }
  return (
    <div className="card">
      <VirtualList
        items={list.items}
        label="Invitations"
        keyOf={({ id }) => id}
        rowHeight={66}
        hasNextPage={hasNextPage}
        isFetchingNextPage={isFetchingNextPage}
        fetchNextPage={fetchNextPage}
      >
        {(invitation) => <InvitationRow invitation={invitation} />}
      </VirtualList>
    </div>
  )
}

function InvitationRow({ invitation }: { readonly invitation: Schemas['Invitation'] }) {
  const { id, email, status, role, createdAt, expiresAt, acceptedAt } = invitation
  const confirm = useConfirm()
  const remove = useCall('invitationDelete', ['invitationList'])
  const [color, words] = states[status]
  const drop = async () => {
    const isSure = await confirm({
      title: `Revoke the invitation of ${email}?`,
      text: 'Its link lets nobody in any more.',
      action: 'Revoke it',
      isDangerous: true
    })
    if (!isSure) return
    const input = { path: { invitationId: id } }
    await tell(remove.mutateAsync(input), 'The invitation is revoked')
  }
  return (
    <div className="section-row row">
      <Stack gap={0}>
        <Text size="sm" fw={500} className="mono">
          {email}
        </Text>
        <Text size="xs" c="dimmed">
          as {role === 'tenant_admin' ? 'admin' : 'member'}, invited <Time at={createdAt} />
        </Text>
      </Stack>
      <Group gap={8}>
        <Badge variant="light" color={color} size="sm" radius="sm">
          {words}
        </Badge>
        <Text size="xs" c="dimmed">
          {status === 'accepted' ? (
            <Time at={acceptedAt} />
          ) : (
            <>
              ends <Time at={expiresAt} />
            </>
          )}
        </Text>
      </Group>
      {status === 'pending' ? (
        <Button
          variant="subtle"
          color="red"
          size="xs"
          aria-label={`Revoke the invitation of ${email}`}
          loading={remove.isPending}
          onClick={drop}
        >
          Revoke
        </Button>
      ) : (
        <span />
      )}
    </div>
  )
}
