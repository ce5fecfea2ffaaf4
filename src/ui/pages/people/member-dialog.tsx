import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useMe } from '../../api/me.ts'
import { useCall } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { Facts } from '../../parts/facts.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Time } from '../../parts/time.tsx'
import { toast } from '../../parts/toast.ts'
import type { Member } from './member.ts'
import { MemberTokens } from './member-tokens.tsx'

interface Props {
  readonly member: Member
  readonly onClose: () => void
}

const roles = [
  { value: 'member', label: 'Member' },
  { value: 'tenant_admin', label: 'Admin of the organisation' }
]

/** What an admin decides about a person. */
export function MemberDialog({ member, onClose }: Props) {
  const { id, name, email, role, status, version } = member
  const { user } = useMe()
  const path = { userId: id }
  const confirm = useConfirm()
  const update = useCall('memberUpdate', ['memberList', 'teamMemberList'])
  const remove = useCall('memberDelete', ['memberList', 'teamMemberList'])
  const end = useCall('sessionEndOfMember', ['sessionList'])
  const isSuspended = status === 'suspended'
  const change = (body: { role?: Member['role']; status?: Member['status'] }, done: string) =>
    update.mutate({ path, body: { ...body, version } }, { onSuccess: () => toast(done) })
  const suspend = async () => {
    const question = {
      title: `Suspend ${name}?`,
      text: 'Sessions, tokens and calls under way end within seconds. Nothing is lost, and you can let them in again.',
      action: 'Suspend',
      isDangerous: true
    }
    if (!isSuspended && !(await confirm(question))) return
    change(
      { status: isSuspended ? 'active' : 'suspended' },
      `${name} is ${isSuspended ? 'let in again' : 'suspended'}`
    )
  }
  const endSessions = async () => {
    const isSure = await confirm({
      title: `End every session of ${name}?`,
      text: 'Every browser that is logged in as them has to log in again.',
      action: 'End the sessions'
    })
    if (isSure) end.mutate({ path }, { onSuccess: () => toast('The sessions are ended') })
  }
  const drop = async () => {
    const isSure = await confirm({
      title: `Remove ${name}?`,
      text: 'Their sessions, tokens and sign-ins at workspaces are gone. This cannot be undone; they can be invited again.',
      action: 'Remove them',
      isDangerous: true,
      typed: email
    })
    if (!isSure) return
    // The row of who is gone takes this dialog along, before a callback of `mutate` would run.
    const gone = () => {
      toast(`${name} is removed`)
      onClose()
    }
    await remove.mutateAsync({ path }).then(gone, () => undefined)
  }
  const error = update.error ?? remove.error ?? end.error
  return (
    <Modal opened onClose={onClose} title={name} size="lg">
      <Stack>
        <Facts
          facts={[
            ['Email', email],
            ['Teams', member.teams.map((team) => team.name).join(', ') || 'none'],
            ['Last login', <Time key="at" at={member.lastLoginAt} />],
            ['Member since', <Time key="since" at={member.createdAt} />]
          ]}
        />
        <Select
          label="Role"
          description={
            member.isAdminByGroup
              ? 'An admin by a group of your login provider; change it there.'
              : 'An admin sees every fabric and decides who may come in.'
          }
          data={roles}
          allowDeselect={false}
          disabled={member.isAdminByGroup || update.isPending}
          value={role}
          onChange={(next) => {
            if (next === role) return
            change(
              { role: next === 'tenant_admin' ? 'tenant_admin' : 'member' },
              'The role is changed'
            )
          }}
        />
        <MemberTokens member={member} />
        {error && <ProblemView error={error} />}
        {id === user.id ? (
          <Text size="sm" c="dimmed">
            This is you. Your sessions and tokens stand in My account.
          </Text>
        ) : (
          <Group gap="sm" justify="flex-end">
            <Button variant="default" size="xs" loading={end.isPending} onClick={endSessions}>
              End sessions
            </Button>
            <Button variant="default" size="xs" loading={update.isPending} onClick={suspend}>
              {isSuspended ? 'Let in again' : 'Suspend'}
            </Button>
            <Button variant="light" color="red" size="xs" loading={remove.isPending} onClick={drop}>
              Remove
            </Button>
          </Group>
        )}
      </Stack>
    </Modal>
  )
}
