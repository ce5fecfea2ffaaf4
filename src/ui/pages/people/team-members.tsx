import { Badge, Button, Group, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { tell, toast, toastProblem } from '../../parts/toast.ts'

type TeamMember = Schemas['TeamMember']
const old = ['teamMemberList', 'memberList', 'meGet'] as const
const roles = [
  { value: 'member', label: 'Member' },
  { value: 'admin', label: 'Admin of the team' }
]

interface Props {
  readonly team: Schemas['Team']
  readonly isAdmin: boolean
}

/** Where somebody's place comes from. */
function originOf({ byHand, byGroup }: TeamMember): string {
  if (byGroup === null) return 'by hand'
  const group = 'by your directory or login groups'
  return byHand === null ? group : `by hand, and ${group}`
}

export function TeamMembers({ team, isAdmin }: Props) {
  const path = { teamId: team.id }
  const list = useList('teamMemberList', { path })
  return (
    <Section
      title="Members"
      description="A place that a directory or login group gives ends when it ends there."
    >
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {isAdmin && <AddMember team={team} members={list.items} />}
      {list.items.length === 0 && <Nothing>Nobody is in it yet.</Nothing>}
      <ul className="plain-list" aria-label="Members">
        {list.items.map((member) => (
          <Row key={member.userId} team={team} isAdmin={isAdmin} member={member} />
        ))}
      </ul>
      <ShowMore of={list} />
    </Section>
  )
}

function Row({ team, isAdmin, member }: Props & { readonly member: TeamMember }) {
  const path = { teamId: team.id, userId: member.userId }
  const put = useCall('teamMemberPut', old)
  const remove = useCall('teamMemberDelete', old)
  const { name, email, role, status } = member
  const drop = () => tell(remove.mutateAsync({ path }), `${name} is no longer in the team`)
  const change = (next: string | null) => {
    if (next === role) return
    const body = { role: next === 'admin' ? 'admin' : 'member' } as const
    void tell(put.mutateAsync({ path, body }), 'The role is changed')
  }
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={500}>
            {name}
          </Text>
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
      <Group gap="sm">
        {isAdmin ? (
          <Select
            aria-label={`Role of ${name}`}
            size="xs"
            w={170}
            data={roles}
            allowDeselect={false}
            disabled={put.isPending}
            value={role}
            onChange={change}
          />
        ) : (
          <Text size="sm">{role === 'admin' ? 'Admin of the team' : 'Member'}</Text>
        )}
        <Text size="xs" c="dimmed">
          {originOf(member)}
        </Text>
      </Group>
      {isAdmin && member.byHand !== null ? (
        <Button
          variant="subtle"
          color="red"
          size="xs"
          aria-label={`Take out ${name}`}
          loading={remove.isPending}
          onClick={drop}
        >
          Take out
        </Button>
      ) : (
        <span />
      )}
    </li>
  )
}

interface AddProps {
  readonly team: Schemas['Team']
  readonly members: readonly TeamMember[]
}

function AddMember({ team, members }: AddProps) {
  const people = useList('memberList', {})
  const [userId, setUserId] = useState<string | null>(null)
  const put = useCall('teamMemberPut', old)
  const add = () => {
    if (userId === null) return
    put.mutate(
      { path: { teamId: team.id, userId }, body: { role: 'member' } },
      {
        onSuccess: () => {
          toast('They are in the team')
          setUserId(null)
        },
        onError: toastProblem
      }
    )
  }
  return (
    <Group px="lg" pb="lg" gap="sm">
      <Select
        aria-label="Somebody to add"
        placeholder="Add somebody"
        searchable
        w={280}
        nothingFoundMessage="Nobody else is here"
        data={people.items
          .filter(({ id }) => !members.some((member) => member.userId === id))
          .map(({ id, name, email }) => ({ value: id, label: `${name} (${email})` }))}
        value={userId}
        onChange={setUserId}
      />
      <Button
        size="sm"
        variant="light"
        disabled={userId === null}
        loading={put.isPending}
        onClick={add}
      >
        Add
      </Button>
    </Group>
  )
}
