import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useIsTenantAdmin, useMe } from '../../api/me.ts'
import { useList } from '../../api/queries.ts'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Time } from '../../parts/time.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import '../../parts/section.css'
import type { Member } from './member.ts'
import { MemberDialog } from './member-dialog.tsx'

export function Members() {
  const list = useList('memberList', {})
  const isAdmin = useIsTenantAdmin()
  const [shownId, setShownId] = useState<string | null>(null)
  const shown = list.items.find(({ id }) => id === shownId)
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  if (list.isPending) return <Loading of="members" />
  if (list.isError) return <ProblemView error={list.error} onRetry={() => list.refetch()} />
  return (
    <div className="card">
      <VirtualList
        items={list.items}
        label="Members"
        keyOf={({ id }) => id}
        rowHeight={66}
        hasNextPage={hasNextPage}
        isFetchingNextPage={isFetchingNextPage}
        fetchNextPage={fetchNextPage}
      >
        {(member) => (
          <MemberRow member={member} {...(isAdmin && { onManage: () => setShownId(member.id) })} />
        )}
      </VirtualList>
      {shown && <MemberDialog member={shown} onClose={() => setShownId(null)} />}
    </div>
  )
}

interface RowProps {
  readonly member: Member
  readonly onManage?: () => void
}

function MemberRow({ member, onManage }: RowProps) {
  const { user } = useMe()
  const { name, email, role, status, teams, lastLoginAt } = member
  return (
    <div className="section-row row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={500}>
            {name}
          </Text>
          {member.id === user.id && (
            <Badge variant="light" color="teal" size="sm" radius="sm">
              You
            </Badge>
          )}
          {role === 'tenant_admin' && (
            <Badge variant="light" size="sm" radius="sm">
              Admin
            </Badge>
          )}
          {status === 'suspended' && (
            <Badge variant="light" color="red" size="sm" radius="sm">
              Suspended
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed" className="mono">
          {email}
        </Text>
      </Stack>
      <Stack gap={0}>
        <Text size="sm">{teams.map((team) => team.name).join(', ') || 'In no team'}</Text>
        <Text size="xs" c="dimmed">
          last login <Time at={lastLoginAt} />
        </Text>
      </Stack>
      {onManage ? (
        <Button variant="subtle" size="xs" aria-label={`Manage ${name}`} onClick={onManage}>
          Manage
        </Button>
      ) : (
        <span />
      )}
    </div>
  )
}
