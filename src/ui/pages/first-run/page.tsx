import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, Navigate } from '@tanstack/react-router'
import { useIsTenantAdmin, useMayCreate, useMe } from '../../api/me.ts'
import { queryOf } from '../../api/queries.ts'
import { Contacts } from '../../parts/contacts.tsx'
import { Guide, GuideStep } from '../../parts/guide.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import type { Fabric } from '../fabrics/fabric-row.tsx'

function DraftButton({ fabric }: { readonly fabric: Fabric | undefined }) {
  if (fabric === undefined) {
    return (
      <Button component={Link} to="/fabrics/new">
        Add a fabric
      </Button>
    )
  }
  return (
    <Button
      renderRoot={(props) => (
        <Link to="/fabrics/$fabricId/edit" params={{ fabricId: fabric.id }} {...props} />
      )}
    >
      Go on with your draft
    </Button>
  )
}

/** The start: three steps until somebody here can work, and afterwards the fabrics. */
export function FirstRunPage() {
  const { tenant } = useMe()
  const isAdmin = useIsTenantAdmin()
  const mayCreate = useMayCreate()
  const capabilities = useQuery(queryOf('capabilityList', {}))
  const fabrics = useQuery(queryOf('fabricList', { query: { limit: 1 } }))
  const fabric = fabrics.data?.items[0]
  const connection = useQuery({
    ...queryOf('connectionGet', { path: { fabricId: fabric?.id ?? '' } }),
    enabled: fabric !== undefined && fabric.status === 'complete'
  })
  const error = capabilities.error ?? fabrics.error
  if (error !== null)
    return (
      <Page title="Welcome">
        <ProblemView error={error} />
      </Page>
    )
  if (!capabilities.data || !fabrics.data) return <Loading of="where you stand" />

  const oauth = capabilities.data.items.find(({ authMethod }) => authMethod === 'oauth')
  const isRegistered = oauth?.available ?? false
  const isSignedIn = connection.data?.state === 'active'
  // Where there is a fabric already, the list of them is the better start, with what is missing in each row.
  if (isRegistered && fabric?.status === 'complete' && (isSignedIn || fabrics.data.nextCursor)) {
    return <Navigate to="/fabrics" replace />
  }
  return (
    <Page
      title={`Welcome to ${tenant.name}`}
      description="Three steps until people and services reach Databricks through Weft. It takes about five minutes."
    >
      <Guide>
        <GuideStep
          number={1}
          title="Register Weft at Databricks"
          isDone={isRegistered}
          isNext={!isRegistered}
          action={
            isAdmin && (
              <Button component={Link} to="/settings/security">
                Register the app
              </Button>
            )
          }
        >
          {isRegistered
            ? 'People can sign in to Databricks as themselves.'
            : 'Once for the whole organisation: an OAuth app in the Databricks account, whose client ID and secret Weft keeps encrypted.'}{' '}
          {!isRegistered && !isAdmin && <Contacts people={oauth?.contacts ?? []} />}
        </GuideStep>
        <GuideStep
          number={2}
          title="Add a fabric"
          isDone={fabric?.status === 'complete'}
          isNext={isRegistered && fabric?.status !== 'complete'}
          action={mayCreate && <DraftButton fabric={fabric} />}
        >
          A workspace and how your team reaches it. Paste the workspace URL or a JDBC string; Weft
          works out the rest and tests it step by step.
        </GuideStep>
        <GuideStep
          number={3}
          title="Sign in"
          isDone={isSignedIn}
          isNext={isRegistered && fabric?.status === 'complete' && !isSignedIn}
          action={
            fabric && (
              <Button
                renderRoot={(props) => (
                  <Link
                    to="/fabrics/$fabricId/$tab"
                    params={{ fabricId: fabric.id, tab: 'connection' }}
                    {...props}
                  />
                )}
              >
                Sign in to {fabric.name}
              </Button>
            )
          }
        >
          Everyone signs in once with their own Databricks identity. What they run, runs as them.
        </GuideStep>
      </Guide>
    </Page>
  )
}
