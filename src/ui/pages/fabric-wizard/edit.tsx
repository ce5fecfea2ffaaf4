import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useIsTeamAdmin } from '../../api/me.ts'
import { queryOf } from '../../api/queries.ts'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Draft } from './draft.tsx'
import { Settings } from './settings.tsx'
import type { Fabric } from './values.ts'

/** A draft goes on where one was; what is complete is one form. */
export function EditPage() {
  const { fabricId = '' } = useParams({ strict: false })
  const query = useQuery(queryOf('fabricGet', { path: { fabricId } }))
  if (query.isError) {
    return (
      <Page title="Fabric">
        <ProblemView error={query.error} onRetry={() => query.refetch()} />
      </Page>
    )
  }
  if (!query.data) return <Loading of="the fabric" />
  return <Editing key={fabricId} fabric={query.data} />
}

function Editing({ fabric }: { readonly fabric: Fabric }) {
  const isAdmin = useIsTeamAdmin(fabric.teamId)
  if (!isAdmin) {
    return <Page title={fabric.name} description="Admins of its team change a fabric. Ask one." />
  }
  return fabric.status === 'draft' ? <Draft fabric={fabric} /> : <Settings fabric={fabric} />
}
