import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconRocket } from '@tabler/icons-react'
import { useState } from 'react'
import { useIsTeamAdmin } from '../../../api/me.ts'
import { useList } from '../../../api/queries.ts'
import type { Schemas } from '../../../generated/operations.ts'
import { Empty } from '../../../parts/empty.tsx'
import { Loading } from '../../../parts/page.tsx'
import { ProblemView } from '../../../parts/problem-view.tsx'
import { ShowMore } from '../../../parts/show-more.tsx'
import type { TabProps } from '../tab-props.ts'
import { DeploymentCard } from './deployment-card.tsx'
import { DeploymentForm } from './deployment-form.tsx'

/** Jobs that Weft keeps at the workspace and that run as the service principal. */
export default function Deployments({ fabric }: TabProps) {
  const isAdmin = useIsTeamAdmin(fabric.teamId)
  const list = useList('deploymentList', { path: { fabricId: fabric.id } })
  const [edited, setEdited] = useState<Schemas['Deployment'] | 'new' | null>(null)
  const mayRun = fabric.servicePrincipal !== null
  if (list.isPending) return <Loading of="the deployments" />
  if (list.isError) return <ProblemView error={list.error} onRetry={() => list.refetch()} />
  const deploy = isAdmin && mayRun && <Button onClick={() => setEdited('new')}>Deploy</Button>
  return (
    <Stack gap="lg">
      {!mayRun && (
        <Alert color="blue" variant="light" title="It needs a service principal first">
          What is deployed runs as the fabric’s service principal, whoever starts it.{' '}
          {isAdmin
            ? 'Set one under “Service principal”, then deploy here.'
            : 'An admin of the team sets one under “Service principal”.'}
        </Alert>
      )}
      {list.items.length === 0 ? (
        <Empty icon={<IconRocket size={22} />} title="Nothing is deployed yet" action={deploy}>
          A deployment is a Databricks job that Weft keeps at the workspace: it runs as the service
          principal, by its schedule or when an admin of the team runs it.
        </Empty>
      ) : (
        <>
          <Group justify="space-between">
            <Stack gap={2}>
              <Title order={2}>Deployments</Title>
              <Text size="sm" c="dimmed">
                Jobs that run as the fabric’s service principal.
              </Text>
            </Stack>
            {deploy}
          </Group>
          {list.items.map((one) => (
            <DeploymentCard
              key={one.id}
              deployment={one}
              isAdmin={isAdmin}
              mayRun={mayRun}
              onEdit={() => setEdited(one)}
            />
          ))}
          <ShowMore of={list} />
        </>
      )}
      {edited !== null && (
        <DeploymentForm
          fabric={fabric}
          known={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
        />
      )}
    </Stack>
  )
}
