import { Badge, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { formErrors } from '../../api/form-errors.ts'
import { useIsTenantAdmin, useMe } from '../../api/me.ts'
import { useCall, useList } from '../../api/queries.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { Time } from '../../parts/time.tsx'

export function Teams() {
  const list = useList('teamList', {})
  const isAdmin = useIsTenantAdmin()
  const { teams } = useMe()
  const [isMaking, setIsMaking] = useState(false)
  const roleIn = (teamId: string) => teams.find(({ id }) => id === teamId)?.role
  if (list.isPending) return <Loading of="teams" />
  return (
    <Section
      title="Teams"
      description="A team owns fabrics; whoever is in it may use them, and its admins change them."
      action={isAdmin && <AddButton onClick={() => setIsMaking(true)}>New team</AddButton>}
    >
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && list.items.length === 0 && (
        <Nothing>You are in no team. Ask an admin of your organisation.</Nothing>
      )}
      <ul className="plain-list" aria-label="Teams">
        {list.items.map(({ id, name, kind, isDefault, createdAt }) => (
          <li key={id}>
            <Link to="/people/teams/$teamId" params={{ teamId: id }} className="section-row">
              <Group gap={8}>
                <Text size="sm" fw={500}>
                  {name}
                </Text>
                {isDefault && (
                  <Badge variant="light" color="gray" size="sm" radius="sm">
                    For everybody
                  </Badge>
                )}
                {kind === 'personal' && (
                  <Badge variant="light" color="gray" size="sm" radius="sm">
                    Personal
                  </Badge>
                )}
              </Group>
              <Text size="sm" c="dimmed">
                {roleIn(id) === undefined
                  ? 'You are not in it'
                  : roleIn(id) === 'admin'
                    ? 'You are an admin of it'
                    : 'You are in it'}
              </Text>
              <Text size="sm" c="dimmed">
                made <Time at={createdAt} />
              </Text>
            </Link>
          </li>
        ))}
      </ul>
      <ShowMore of={list} />
      <Modal opened={isMaking} onClose={() => setIsMaking(false)} title="New team">
        <NewTeam onCancel={() => setIsMaking(false)} />
      </Modal>
    </Section>
  )
}

function NewTeam({ onCancel }: { readonly onCancel: () => void }) {
  const navigate = useNavigate()
  const create = useCall('teamCreate', ['teamList', 'meGet'])
  const form = useForm({
    initialValues: { name: '' },
    validate: { name: (name) => (name.trim() === '' ? 'Give it a name' : null) }
  })
  const submit = form.onSubmit(({ name }) =>
    create.mutate(
      { body: { name: name.trim() } },
      {
        onSuccess: ({ id }) => navigate({ to: '/people/teams/$teamId', params: { teamId: id } }),
        onError: (error) => form.setErrors(formErrors(error, ['name']))
      }
    )
  )
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name of the team"
          placeholder="Analytics"
          maxLength={120}
          data-autofocus
          {...form.getInputProps('name')}
        />
        {create.isError && <ProblemView error={create.error} />}
        <FormButtons action="Make the team" isPending={create.isPending} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
