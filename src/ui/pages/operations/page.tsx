import { Button } from '@mantine/core'
import { IconBuilding, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMe } from '../../api/me.ts'
import { useList } from '../../api/queries.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { NewTenant } from './new-tenant.tsx'
import { TenantRow } from './tenant-row.tsx'

/** For who runs Weft: the organisations on this deployment, and whether they may work. */
export function OperationsPage() {
  const { isPlatformOperator } = useMe()
  return isPlatformOperator ? (
    <Tenants />
  ) : (
    <Page title="Operations">
      <Empty icon={<IconBuilding size={22} />} title="For platform operators">
        Whoever runs this Weft can make you one: weft operator add.
      </Empty>
    </Page>
  )
}

function Tenants() {
  const list = useList('tenantList', {})
  const [isMaking, setIsMaking] = useState(false)
  return (
    <Page
      title="Operations"
      description="The organisations on this Weft. None sees, spends or slows another's."
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={() => setIsMaking(true)}>
          Add an organisation
        </Button>
      }
    >
      {list.isPending && <Loading of="organisations" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.items.length > 0 && (
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
      )}
      <NewTenant isOpen={isMaking} onClose={() => setIsMaking(false)} />
    </Page>
  )
}
