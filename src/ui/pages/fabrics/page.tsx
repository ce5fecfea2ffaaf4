import { Button, Group, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPlugConnected, IconPlus, IconSearch } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useMayCreate, useMe } from '../../api/me.ts'
import { useList } from '../../api/queries.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { FabricRow } from './fabric-row.tsx'
import './fabrics.css'

interface Filter {
  readonly text: string
  readonly kind: 'spark' | 'sql' | null
  readonly teamId: string | null
}

const kinds = [
  { value: 'spark', label: 'Spark' },
  { value: 'sql', label: 'SQL' }
]

function AddButton() {
  return (
    <Button component={Link} to="/fabrics/new" leftSection={<IconPlus size={16} />}>
      Add a fabric
    </Button>
  )
}

export function FabricsPage() {
  const { teams } = useMe()
  const mayCreate = useMayCreate()
  const [filter, setFilter] = useState<Filter>({ text: '', kind: null, teamId: null })
  const [text] = useDebouncedValue(filter.text.trim(), 200)
  const query = {
    ...(text !== '' && { q: text }),
    ...(filter.kind !== null && { kind: filter.kind }),
    ...(filter.teamId !== null && { teamId: filter.teamId })
  }
  const list = useList('fabricList', { query })
  const isFiltered = Object.keys(query).length > 0
  const isEmpty = list.isSuccess && list.items.length === 0
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list

  return (
    <Page
      title="Fabrics"
      description="Your teams' ways into Databricks: a workspace, how to sign in, and the compute to run on."
      actions={mayCreate && (isFiltered || !isEmpty) && <AddButton />}
    >
      {list.isPending && <Loading of="fabrics" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {isEmpty && !isFiltered && (
        <Empty
          icon={<IconPlugConnected size={22} />}
          title="No fabric yet"
          action={mayCreate && <AddButton />}
        >
          {mayCreate
            ? 'A fabric names a workspace and how your team reaches it. Paste the workspace URL to begin.'
            : 'None of your teams has a fabric. An admin of your team can add one.'}
        </Empty>
      )}
      {(isFiltered || list.items.length > 0) && (
        <>
          <Group gap="sm" role="search" aria-label="Fabrics">
            <TextInput
              className="fabrics-search"
              aria-label="Search by name"
              placeholder="Search by name"
              leftSection={<IconSearch size={16} aria-hidden />}
              value={filter.text}
              onChange={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
            />
            <Select
              aria-label="Kind"
              placeholder="Every kind"
              w={140}
              clearable
              data={kinds}
              value={filter.kind}
              onChange={(kind) =>
                setFilter({ ...filter, kind: kind === 'spark' || kind === 'sql' ? kind : null })
              }
            />
            {teams.length > 1 && (
              <Select
                aria-label="Team"
                placeholder="Every team"
                w={180}
                clearable
                searchable
                data={teams.map(({ id, name }) => ({ value: id, label: name }))}
                value={filter.teamId}
                onChange={(teamId) => setFilter({ ...filter, teamId })}
              />
            )}
          </Group>
          {isEmpty ? (
            <Empty icon={<IconSearch size={22} />} title="Nothing matches">
              No fabric fits what you look for. Clear the search or the filters.
            </Empty>
          ) : (
            <div className="card">
              <div className="fabric-grid fabric-heads" aria-hidden>
                <span>Fabric</span>
                <span>Team</span>
                <span>Health</span>
                <span>My sign-in</span>
                <span />
              </div>
              <VirtualList
                items={list.items}
                label="Fabrics"
                keyOf={({ id }) => id}
                rowHeight={69}
                hasNextPage={hasNextPage}
                isFetchingNextPage={isFetchingNextPage}
                fetchNextPage={fetchNextPage}
              >
                {(fabric) => <FabricRow fabric={fabric} />}
              </VirtualList>
            </div>
          )}
        </>
      )}
    </Page>
  )
}
