import { Anchor, Group, Loader, Select, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { isCode } from '../../api/problem.ts'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { SignInPrompt } from '../../parts/sign-in-prompt.tsx'

type Resource = Schemas['WorkspaceResource']

interface Props {
  readonly fabricId: string
  readonly kind: 'warehouse' | 'cluster'
  readonly as: Schemas['ConnectionTest']['as']
  readonly value: string
  readonly onChange: (id: string) => void
  readonly error: ReactNode
}

const operations = { warehouse: 'warehouseDiscover', cluster: 'clusterDiscover' } as const
const words = {
  warehouse: { label: 'SQL warehouse', many: 'warehouses' },
  cluster: { label: 'Cluster', many: 'clusters' }
}

const colorOf = ({ state, isUsable }: Resource) =>
  isUsable ? (state === 'RUNNING' ? 'teal' : 'yellow') : 'gray'

function stateOf({ state, isUsable, type, size }: Resource): string {
  const told = state === null ? '' : state.charAt(0) + state.slice(1).toLowerCase()
  const starts = isUsable && state !== 'RUNNING' && 'starts when asked'
  return [told, starts, size, type?.toLowerCase()].filter(Boolean).join(' · ')
}

/** What the workspace has, to be searched; typed by hand where it cannot be asked. */
export function ResourcePicker({ fabricId, kind, as, value, onChange, error }: Props) {
  const [search, setSearch] = useState('')
  const [isByHand, setIsByHand] = useState(false)
  const [known, setKnown] = useState<Resource | null>(null)
  const { label, many } = words[kind]
  const isSearched = search !== '' && search !== known?.name && search !== value
  const [q] = useDebouncedValue(isSearched ? search : '', 250)
  const input = { path: { fabricId }, query: { as, limit: 100, ...(q !== '' && { q }) } }
  const found = useQuery({
    ...queryOf(operations[kind], input),
    enabled: !isByHand,
    placeholderData: (before) => before
  })
  const items = found.data?.items ?? []
  const selected = items.find(({ id }) => id === value) ?? (known?.id === value ? known : null)
  const isMissing = value !== '' && items.every(({ id }) => id !== value)
  const options = [
    ...(isMissing ? [{ value, label: selected?.name ?? value }] : []),
    ...items.map(({ id, name }) => ({ value: id, label: name }))
  ]
  if (isByHand) {
    return (
      <Stack gap={6}>
        <TextInput
          label={`${label} ID`}
          value={value}
          error={error}
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value.trim())}
        />
        <Other onClick={() => setIsByHand(false)}>Choose from a list</Other>
      </Stack>
    )
  }
  if (found.isError) {
    return (
      <Stack gap={8}>
        {isCode(found.error, 'sign_in_needed') ? (
          <SignInPrompt
            fabricId={fabricId}
            onDone={() => found.refetch()}
            title={`Sign in to see your ${many}`}
          >
            The list shows what you may use at the workspace. This page waits and goes on by itself.
          </SignInPrompt>
        ) : (
          <ProblemView error={found.error} onRetry={() => found.refetch()} />
        )}
        <Other onClick={() => setIsByHand(true)}>Type its ID by hand</Other>
      </Stack>
    )
  }
  return (
    <Stack gap={6}>
      <Select
        label={label}
        placeholder={found.isPending ? 'Asking the workspace …' : 'Choose one, or search'}
        searchable
        clearable
        data={options}
        filter={({ options }) => options}
        value={value === '' ? null : value}
        onChange={(id) => {
          setKnown(items.find((one) => one.id === id) ?? null)
          onChange(id ?? '')
        }}
        searchValue={search}
        onSearchChange={setSearch}
        nothingFoundMessage={found.isFetching ? 'Searching …' : `No ${many} by this name`}
        rightSection={found.isFetching ? <Loader size={14} /> : undefined}
        clearButtonProps={{ 'aria-label': `Clear the ${kind}` }}
        maxDropdownHeight={320}
        error={error}
        renderOption={({ option }) => (
          <Option
            label={option.label}
            resource={items.find(({ id }) => id === option.value) ?? null}
          />
        )}
      />
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed" role="status">
          {selected
            ? `${stateOf(selected)} · ${selected.id}`
            : found.data && `${items.length}${found.data.nextCursor ? '+' : ''} ${many} seen`}
        </Text>
        <Other onClick={() => setIsByHand(true)}>Type its ID by hand</Other>
      </Group>
    </Stack>
  )
}

function Option({
  label,
  resource
}: {
  readonly label: string
  readonly resource: Resource | null
}) {
  return (
    <Group gap="sm" wrap="nowrap">
      <span className="dot" data-color={resource ? colorOf(resource) : 'gray'} aria-hidden />
      <div>
        <Text size="sm">{label}</Text>
        {resource && (
          <Text size="xs" c="dimmed">
            {stateOf(resource)}
          </Text>
        )}
      </div>
    </Group>
  )
}

function Other(props: { readonly onClick: () => void; readonly children: ReactNode }) {
  return (
    <Anchor component="button" type="button" size="xs" ta="start" onClick={props.onClick}>
      {props.children}
    </Anchor>
  )
}
