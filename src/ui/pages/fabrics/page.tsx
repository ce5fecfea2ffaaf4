import { Button, Group, Select, TextInput } from '@mantine/core'
import { IconPlugConnected, IconPlus, IconSearch } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useMayCreate, useMe } from '../../api/me.ts'
import { useList } from '../../api/queries.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { type Fabric, FabricRow } from './fabric-row.tsx'
import './fabrics.css'

interface Filter {
  readonly text: string
  readonly kind: string | null
  readonly teamId: string | null
}

function isShown(fabric: Fabric, { text, kind, teamId }: Filter): boolean {
  const words = `${fabric.name} ${fabric.description} ${fabric.workspaceUrl}`.toLowerCase()
  return (
    words.includes(text.trim().toLowerCase()) &&
    (kind === null || fabric.kind === kind) &&
    (teamId === null || fabric.teamId === teamId)
  )
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
  const list = useList('fabricList', {})
  const [filter, setFilter] = useState<Filter>({ text: '', kind: null, teamId: null })
  const isFiltered = filter.text !== '' || filter.kind !== null || filter.teamId !== null
  const shown = list.items.filter((fabric) => isShown(fabric, filter))
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  // What is looked for may be on a page that has not come yet.
  useEffect(() => {
    if (isFiltered && hasNextPage && !isFetchingNextPage) fetchNextPage()
  }, [isFiltered, hasNextPage, isFetchingNextPage, fetchNextPage])

  return (
    <Page
      title="Fabrics"
      description="Your teams' ways into Databricks: a workspace, how to sign in, and the compute to run on."
      actions={mayCreate && list.items.length > 0 && <AddButton />}
    >
      {list.isPending && <Loading of="fabrics" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && list.items.length === 0 && (
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
      {list.items.length > 0 && (
        <>
          <Group gap="sm" role="search" aria-label="Fabrics">
            <TextInput
              className="fabrics-search"
              aria-label="Search by name, description or workspace"
              placeholder="Search by name or workspace"
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
              onChange={(kind) => setFilter({ ...filter, kind })}
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
          {shown.length === 0 && !hasNextPage ? (
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
                items={shown}
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
