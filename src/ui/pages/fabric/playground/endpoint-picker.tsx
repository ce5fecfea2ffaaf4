import { Autocomplete, Group, Loader, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { queryOf } from '../../../api/queries.ts'
import type { Schemas } from '../../../generated/operations.ts'
import type { As } from '../act-as.tsx'

type Resource = Schemas['WorkspaceResource']

/** Endpoints that the workspace shows to whoever is asked as. */
export function useEndpoints(fabricId: string, as: As, search: string) {
  const [q] = useDebouncedValue(search.trim(), 250)
  const query = { as, limit: 200, ...(q !== '' && { q }) }
  return useQuery({
    ...queryOf('servingEndpointDiscover', { path: { fabricId }, query }),
    placeholderData: keepPreviousData
  })
}

function stateWords({ state, isUsable }: Resource): string {
  if (state === null || state === 'READY') return isUsable ? 'Ready' : 'Cannot be asked now'
  return `${state.toLowerCase().replaceAll('_', ' ')}${isUsable ? '' : ', cannot be asked now'}`
}

interface Props {
  readonly value: string
  readonly onChange: (name: string) => void
  readonly items: readonly Resource[]
  readonly isLoading: boolean
  readonly isCut: boolean
}

/** By name, with its state; also one that the list does not know can be typed. */
export function EndpointPicker({ value, onChange, items, isLoading, isCut }: Props) {
  const resources = new Map(items.map((one) => [one.name, one]))
  const chosen = resources.get(value)
  return (
    <Autocomplete
      label="Endpoint"
      placeholder="Search, or type a name"
      description={isCut ? 'The workspace has more than fit here: type to search.' : undefined}
      value={value}
      onChange={onChange}
      data={[...resources.keys()]}
      filter={({ options, search }) =>
        chosen ? options : options.filter((one) => 'value' in one && one.value.includes(search))
      }
      maxDropdownHeight={320}
      rightSection={isLoading ? <Loader size="xs" aria-hidden /> : null}
      renderOption={({ option }) => {
        const one = resources.get(option.value)
        return (
          <Group gap="sm" wrap="nowrap">
            <span className="dot" data-color={one?.isUsable ? 'teal' : 'gray'} aria-hidden />
            <Stack gap={0}>
              <Text size="sm">{option.value}</Text>
              <Text size="xs" c="dimmed">
                {one && `${one.type ?? 'custom model'} · ${stateWords(one)}`}
              </Text>
            </Stack>
          </Group>
        )
      }}
    />
  )
}
