import { Anchor, Badge, Group, Tabs, Text } from '@mantine/core'
import { IconChevronLeft } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { type ComponentType, lazy, Suspense } from 'react'
import { useIsTeamAdmin, useMe } from '../../api/me.ts'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { KindBadge } from '../../parts/states.tsx'
import { TabStrip } from '../../parts/tab-strip.tsx'
import type { TabProps } from './tab-props.ts'

interface Tab {
  readonly words: string
  readonly content: ComponentType<TabProps>
  readonly isFor?: (fabric: Schemas['Fabric']) => boolean
}

/** In the order of their sight; each is loaded when it is first gone to. */
const tabs: Readonly<Record<string, Tab>> = {
  connection: { words: 'My connection', content: lazy(() => import('./connection.tsx')) },
  playground: { words: 'Playground', content: lazy(() => import('./playground/playground.tsx')) },
  sql: {
    words: 'SQL',
    content: lazy(() => import('./sql/sql.tsx')),
    isFor: ({ kind, compute }) => kind === 'sql' || compute.warehouseId !== undefined
  },
  'service-principal': {
    words: 'Service principal',
    content: lazy(() => import('./service-principal.tsx'))
  },
  deployments: {
    words: 'Deployments',
    content: lazy(() => import('./deployments/deployments.tsx'))
  },
  usage: { words: 'Usage', content: lazy(() => import('./usage/usage.tsx')) },
  history: { words: 'Test history', content: lazy(() => import('./history.tsx')) },
  code: { words: 'Code', content: lazy(() => import('./code/code.tsx')) }
}

export function FabricPage() {
  const { fabricId = '', tab = 'connection' } = useParams({ strict: false })
  const navigate = useNavigate()
  const query = useQuery(queryOf('fabricGet', { path: { fabricId } }))
  if (query.isError) {
    return (
      <Page title="Fabric">
        <ProblemView error={query.error} onRetry={() => query.refetch()} />
      </Page>
    )
  }
  if (!query.data) return <Loading of="the fabric" />
  const fabric = query.data
  const shown = Object.entries(tabs).filter(([, { isFor }]) => isFor?.(fabric) ?? true)
  const Content = tabs[tab]?.content
  return (
    <Page
      title={fabric.name}
      description={<Facts fabric={fabric} />}
      actions={<EditLink fabric={fabric} />}
    >
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) =>
          next && navigate({ to: '/fabrics/$fabricId/$tab', params: { fabricId, tab: next } })
        }
      >
        <TabStrip
          label="Parts of the fabric"
          tabs={shown.map(([one, { words }]) => [one, words])}
          value={tab}
        />
        <Tabs.Panel value={tab} pt="lg">
          <Suspense fallback={<Loading of="this part" />}>
            {Content ? <Content fabric={fabric} /> : <Text>There is no such part.</Text>}
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function Facts({ fabric }: TabProps) {
  const { teams } = useMe()
  const team = teams.find(({ id }) => id === fabric.teamId)
  return (
    <Group gap={10}>
      <KindBadge kind={fabric.kind} />
      {fabric.status === 'draft' && (
        <Badge variant="default" size="sm" radius="sm">
          Draft
        </Badge>
      )}
      <Anchor
        href={fabric.workspaceUrl}
        target="_blank"
        rel="noreferrer"
        size="sm"
        underline="hover"
      >
        {fabric.workspaceUrl.replace(/^https?:\/\//, '')}
      </Anchor>
      {team && <Text size="sm">{team.name}</Text>}
    </Group>
  )
}

function EditLink({ fabric }: TabProps) {
  const isAdmin = useIsTeamAdmin(fabric.teamId)
  return (
    <>
      <Anchor component={Link} to="/fabrics" size="sm" underline="hover">
        <Group gap={4}>
          <IconChevronLeft size={16} aria-hidden />
          All fabrics
        </Group>
      </Anchor>
      {isAdmin && (
        <Anchor
          size="sm"
          underline="hover"
          renderRoot={(props) => (
            <Link to="/fabrics/$fabricId/edit" params={{ fabricId: fabric.id }} {...props} />
          )}
        >
          {fabric.status === 'draft' ? 'Go on with the draft' : 'Settings'}
        </Anchor>
      )}
    </>
  )
}
