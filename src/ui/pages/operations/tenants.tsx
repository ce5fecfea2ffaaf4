import { useList } from '../../api/queries.ts'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { TenantRow } from './tenant-row.tsx'

/** The organisations on this deployment, and whether they may work. */
export function Tenants() {
  const list = useList('tenantList', {})
  if (list.isPending) return <Loading of="organisations" />
  if (list.isError) return <ProblemView error={list.error} onRetry={() => list.refetch()} />
  return (
    <div className="card">
      <VirtualList
        items={list.items}
        label="Organisations"
        keyOf={({ id }) => id}
        rowHeight={69}
        hasNextPage={list.hasNextPage}
        isFetchingNextPage={list.isFetchingNextPage}
        fetchNextPage={list.fetchNextPage}
      >
        {(tenant) => <TenantRow tenant={tenant} />}
      </VirtualList>
    </div>
  )
}
