import { Anchor, Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { IconChevronLeft } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useIsTeamAdmin } from '../../api/me.ts'
import { queryOf, useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { SaveProblem } from '../../parts/conflict.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
import { TeamMembers } from './team-members.tsx'

export function TeamPage() {
  const { teamId = '' } = useParams({ strict: false })
  const query = useQuery(queryOf('teamGet', { path: { teamId } }))
  const members = useList('teamMemberList', { path: { teamId } })
  const isAdmin = useIsTeamAdmin(teamId)
  if (query.isError) {
    return (
      <Page title="Team">
        <ProblemView error={query.error} onRetry={() => query.refetch()} />
      </Page>
    )
  }
  if (!query.data || members.isPending) return <Loading of="the team" />
  const team = query.data
  return (
    <Page
      title={team.name}
      description={
        isAdmin
          ? 'Whoever is in it may use its fabrics; its admins change them.'
          : 'Its fabrics are yours to use. Its admins, marked below, can bring somebody in.'
      }
      actions={
        <Anchor component={Link} to="/people" size="sm" underline="hover">
          <Group gap={4}>
            <IconChevronLeft size={16} aria-hidden />
            People and teams
          </Group>
        </Anchor>
      }
    >
      <TeamMembers team={team} isAdmin={isAdmin} />
      {isAdmin && <TeamActions team={team} />}
    </Page>
  )
}

function TeamActions({ team }: { readonly team: Schemas['Team'] }) {
  const navigate = useNavigate()
  const confirm = useConfirm()
  const queries = useQueryClient()
  const [isNaming, setIsNaming] = useState(false)
  const remove = useCall('teamDelete', ['teamList', 'memberList'])
  const drop = async () => {
    const isSure = await confirm({
      title: `Delete “${team.name}”?`,
      text: 'A team that owns fabrics is kept; move those to another team first.',
      action: 'Delete the team',
      isDangerous: true
    })
    if (!isSure) return
    remove.mutate(
      { path: { teamId: team.id } },
      {
        onSuccess: () => {
          toast('The team is deleted')
          void navigate({ to: '/people' })
          void queries.invalidateQueries({ queryKey: ['meGet'] })
        },
        onError: toastProblem
      }
    )
  }
  return (
    <Group gap="sm">
      <Button variant="default" size="xs" onClick={() => setIsNaming(true)}>
        Rename the team
      </Button>
      {!team.isDefault && (
        <Button variant="light" color="red" size="xs" loading={remove.isPending} onClick={drop}>
          Delete the team
        </Button>
      )}
      {isNaming && <Rename team={team} onClose={() => setIsNaming(false)} />}
    </Group>
  )
}

interface RenameProps {
  readonly team: Schemas['Team']
  readonly onClose: () => void
}

function Rename({ team, onClose }: RenameProps) {
  const [name, setName] = useState(team.name)
  const update = useCall('teamUpdate', ['teamGet', 'teamList', 'meGet'])
  const save = () =>
    update.mutate(
      { path: { teamId: team.id }, body: { name: name.trim(), version: team.version } },
      { onSuccess: onClose }
    )
  return (
    <Modal opened onClose={onClose} title="Rename the team">
      <Stack>
        <TextInput
          label="Name of the team"
          maxLength={120}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <SaveProblem
          error={update.error}
          mine={{ name }}
          theirs={{ name: team.name }}
          labels={{ name: 'Name' }}
          onOverwrite={save}
          onTakeTheirs={onClose}
        />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button disabled={name.trim() === ''} loading={update.isPending} onClick={save}>
            Rename it
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
