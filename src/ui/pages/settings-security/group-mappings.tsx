import { ActionIcon, Button, Group, Input, Select, Stack, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'

export type Mapping = Schemas['LoginProvider']['groupMappings'][number]

const keyOf = ({ teamId, role }: Mapping) =>
  teamId === null ? 'tenant_admin' : `${teamId} ${role}`

function targetOf(key: string): Pick<Mapping, 'teamId' | 'role'> {
  const [teamId, role] = key.split(' ')
  if (teamId === undefined || role === undefined) return { teamId: null, role: 'tenant_admin' }
  return { teamId, role: role === 'admin' ? 'admin' : 'member' }
}

interface Props {
  readonly value: readonly Mapping[]
  readonly onChange: (value: Mapping[]) => void
}

/** Who has a group at the identity provider has a role here. */
export function GroupMappings({ value, onChange }: Props) {
  const teams = useList('teamList', {})
  const targets = [
    { value: 'tenant_admin', label: 'Admin of the organisation' },
    ...teams.items.flatMap(({ id, name }) => [
      { value: `${id} member`, label: `${name}: member` },
      { value: `${id} admin`, label: `${name}: admin` }
    ])
  ]
  const first = targets[1] ?? targets[0]
  const put = (at: number, change: Partial<Mapping>) =>
    onChange(value.map((one, index) => (index === at ? { ...one, ...change } : one)))
  const add = () => onChange([...value, { groupId: '', ...targetOf(first?.value ?? '') }])
  return (
    <Stack gap="xs" role="group" aria-label="Groups and roles">
      <Input.Label labelElement="div">Groups and roles</Input.Label>
      <Input.Description component="div">
        Who has the group in the “groups” claim has the role, read at each login.
      </Input.Description>
      {value.map((mapping, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: what is typed belongs to the place
        <Group key={at} gap="xs" wrap="nowrap">
          <TextInput
            aria-label="Group id"
            placeholder="Group id"
            flex={1}
            maxLength={256}
            value={mapping.groupId}
            onChange={(event) => put(at, { groupId: event.currentTarget.value })}
          />
          <Select
            aria-label="Role"
            flex={1}
            data={targets}
            allowDeselect={false}
            searchable
            value={keyOf(mapping)}
            onChange={(key) => key && put(at, targetOf(key))}
          />
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label="Remove this group"
            onClick={() => onChange(value.filter((_one, index) => index !== at))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button variant="subtle" size="xs" leftSection={<IconPlus size={14} />} onClick={add}>
          Add a group
        </Button>
      </Group>
    </Stack>
  )
}
