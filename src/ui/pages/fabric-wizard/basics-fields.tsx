import { Radio, Select, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMe } from '../../api/me.ts'
import { queryOf } from '../../api/queries.ts'
import type { FieldsProps } from './values.ts'

const kinds = [
  {
    value: 'sql',
    label: 'SQL',
    words: 'Queries on a SQL warehouse, and serving endpoints.'
  },
  {
    value: 'spark',
    label: 'Spark',
    words: 'Clusters, jobs and serverless Spark, and serving endpoints.'
  }
] as const

interface Props extends FieldsProps {
  /** Kind and team stand once the draft is made. */
  readonly isMade: boolean
}

/** The teams that one may add a fabric to. */
export function useOwnTeams() {
  const { role, teams } = useMe()
  const isTenantAdmin = role === 'tenant_admin'
  const { data } = useQuery({ ...queryOf('capabilityList', {}), enabled: isTenantAdmin })
  if (!isTenantAdmin) return teams.filter(({ role }) => role === 'admin')
  return data?.items[0]?.teams ?? teams
}

export function BasicsFields({ form, isMade }: Props) {
  const teams = useOwnTeams()
  const { teams: mine } = useMe()
  const named = [...teams, ...mine.filter(({ id }) => teams.every((one) => one.id !== id))]
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label="Name"
          description="What your team calls it."
          withAsterisk
          maxLength={120}
          {...form.getInputProps('name')}
        />
        <Select
          label="Team"
          description="Its admins change the fabric, its members use it."
          withAsterisk
          searchable
          allowDeselect={false}
          disabled={isMade}
          data={named.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('teamId')}
        />
      </SimpleGrid>
      <Textarea
        label="What it is for"
        autosize
        minRows={2}
        maxLength={2_000}
        {...form.getInputProps('description')}
      />
      <Radio.Group
        label="Kind"
        {...(isMade && { description: 'Kind and team stay as they are; add another fabric else.' })}
        {...form.getInputProps('kind')}
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }} pt={6}>
          {kinds.map(({ value, label, words }) => (
            <Radio.Card
              key={value}
              value={value}
              disabled={isMade && form.values.kind !== value}
              className="choice"
              aria-label={label}
            >
              <Radio.Indicator />
              <div>
                <Text fw={600} size="sm">
                  {label}
                </Text>
                <Text size="sm" c="dimmed">
                  {words}
                </Text>
              </div>
            </Radio.Card>
          ))}
        </SimpleGrid>
      </Radio.Group>
      <Switch
        label="Production"
        description="Others depend on it: it needs a service principal, and cannot lose it."
        {...form.getInputProps('production', { type: 'checkbox' })}
      />
    </Stack>
  )
}
