import { Button, Group, Select, TextInput } from '@mantine/core'
import { IconDownload, IconFileSearch } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { useIsTenantAdmin } from '../../api/me.ts'
import { useList } from '../../api/queries.ts'
import { dayMs } from '../../parts/days.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toastProblem } from '../../parts/toast.ts'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { ChainMark } from './chain-mark.tsx'
import { EventRow } from './event-row.tsx'
import { exportEvents, type Filter } from './export.ts'
import { useNames } from './names.ts'
import { actions, actionWords } from './words.ts'
import './audit.css'

export function AuditPage() {
  const isAdmin = useIsTenantAdmin()
  if (isAdmin) return <Record />
  return (
    <Page title="Audit">
      <Empty icon={<IconFileSearch size={22} />} title="Admins read this">
        Who did what is for the admins of your organisation; ask one of them.
      </Empty>
    </Page>
  )
}

const nothing = { actor: null, action: null, fabric: null, from: '', to: '' }

interface Chosen {
  readonly actor: string | null
  readonly action: string | null
  readonly fabric: string | null
  /** Days, `2026-01-31`; the last is included. */
  readonly from: string
  readonly to: string
}

function filterOf({ actor, action, fabric, from, to }: Chosen): Filter {
  const begin = (day: string) => new Date(`${day}T00:00:00`)
  return {
    ...(actor && { actor }),
    ...(action && { action }),
    ...(fabric && { fabric }),
    ...(from && { from: begin(from).toISOString() }),
    ...(to && { to: new Date(begin(to).getTime() + dayMs).toISOString() })
  }
}

function Record() {
  const [chosen, setChosen] = useState<Chosen>(nothing)
  const [openId, setOpenId] = useState<string | null>(null)
  const filter = filterOf(chosen)
  const list = useList('auditList', { query: filter })
  const { isPending, names, actors, fabrics } = useNames()
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const put = (part: Partial<Chosen>) => setChosen({ ...chosen, ...part })
  const named = (items: readonly { id: string; name: string }[]) =>
    items.map(({ id, name }) => ({ value: id, label: name }))
  return (
    <Page
      title="Audit"
      description="Who did what, for whom, through which fabric, newest first."
      actions={<Export filter={filter} />}
    >
      <ChainMark />
      <Group gap="sm" role="search" aria-label="Audit">
        <Select
          aria-label="Who"
          placeholder="Everybody"
          w={180}
          clearable
          searchable
          data={named(actors)}
          value={chosen.actor}
          onChange={(actor) => put({ actor })}
        />
        <Select
          aria-label="What"
          placeholder="Everything"
          w={230}
          clearable
          searchable
          data={actions.map((value) => ({ value, label: actionWords(value) }))}
          value={chosen.action}
          onChange={(action) => put({ action })}
        />
        <Select
          aria-label="Fabric"
          placeholder="Every fabric"
          w={170}
          clearable
          searchable
          data={named(fabrics)}
          value={chosen.fabric}
          onChange={(fabric) => put({ fabric })}
        />
        <Group gap="sm" wrap="nowrap">
          <TextInput
            aria-label="From day"
            type="date"
            w={150}
            value={chosen.from}
            onChange={(event) => put({ from: event.currentTarget.value })}
          />
          <TextInput
            aria-label="To day"
            type="date"
            w={150}
            value={chosen.to}
            onChange={(event) => put({ to: event.currentTarget.value })}
          />
        </Group>
      </Group>
      {(list.isPending || isPending) && <Loading of="the record" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && list.items.length === 0 && (
        <Empty icon={<IconFileSearch size={22} />} title="Nothing matches">
          Nothing on record fits what you look for. Clear a filter.
        </Empty>
      )}
      {!isPending && list.items.length > 0 && (
        <div className="card">
          <VirtualList
            items={list.items}
            label="Audit"
            keyOf={({ id }) => id}
            rowHeight={44}
            hasNextPage={hasNextPage}
            isFetchingNextPage={isFetchingNextPage}
            fetchNextPage={fetchNextPage}
          >
            {(event) => (
              <EventRow
                event={event}
                names={names}
                isOpen={openId === event.id}
                onToggle={() => setOpenId(openId === event.id ? null : event.id)}
              />
            )}
          </VirtualList>
        </div>
      )}
    </Page>
  )
}

/** A file of all that the filter finds; a long one can be left. */
function Export({ filter }: { readonly filter: Filter }) {
  const [count, setCount] = useState<number | null>(null)
  const stop = useRef<AbortController>(null)
  const start = async () => {
    const controller = new AbortController()
    stop.current = controller
    setCount(0)
    try {
      await exportEvents(filter, controller.signal, setCount)
    } catch (err) {
      if (!controller.signal.aborted) toastProblem(err)
    }
    setCount(null)
  }
  if (count !== null) {
    return (
      <Button variant="default" onClick={() => stop.current?.abort()}>
        {count} records so far. Stop
      </Button>
    )
  }
  return (
    <Button variant="default" leftSection={<IconDownload size={16} />} onClick={start}>
      Export as NDJSON
    </Button>
  )
}
