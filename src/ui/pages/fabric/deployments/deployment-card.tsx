import { Alert, Anchor, Badge, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { queryOf, useCall, useList } from '../../../api/queries.ts'
import type { Schemas } from '../../../generated/operations.ts'
import { useConfirm } from '../../../parts/confirm.tsx'
import { ProblemView } from '../../../parts/problem-view.tsx'
import { Nothing } from '../../../parts/section.tsx'
import { ShowMore } from '../../../parts/show-more.tsx'
import { Time } from '../../../parts/time.tsx'
import { toast } from '../../../parts/toast.ts'
import { RunView } from './run-view.tsx'

type Deployment = Schemas['Deployment']

const stateColors = { deployed: 'teal', deploying: 'blue', unfinished: 'yellow', orphaned: 'red' }

interface Props {
  readonly deployment: Deployment
  readonly isAdmin: boolean
  readonly mayRun: boolean
  readonly onEdit: () => void
}

/** What has to be known before one relies on it: nobody's job any more, or changed at the workspace. */
function Warnings({ deployment, job }: { deployment: Deployment; job: Deployment['job'] }) {
  const { state, detail, leftBehind } = deployment
  return (
    <>
      {state !== 'deployed' && (
        <Alert color="red" variant="light" title={state === 'orphaned' ? 'Deploy it anew' : detail}>
          {state === 'orphaned' && detail}
        </Alert>
      )}
      {job && job.status !== 'unchanged' && (
        <Alert
          color="red"
          variant="light"
          title={
            job.status === 'changed' ? 'The job was changed at the workspace' : 'About the job'
          }
        >
          {job.detail}
          {job.changed.length > 0 && ` Changed: ${job.changed.join(', ')}.`}
        </Alert>
      )}
      {leftBehind.length > 0 && (
        <Text size="sm">
          Earlier jobs that Weft no longer reaches; their schedules may still run:{' '}
          {leftBehind.map((url) => (
            <Anchor
              key={url}
              href={url}
              target="_blank"
              rel="noreferrer"
              underline="always"
              inherit
            >
              {url}{' '}
            </Anchor>
          ))}
        </Text>
      )}
    </>
  )
}

/** One deployment with its runs, the one under way live. */
export function DeploymentCard({ deployment, isAdmin, mayRun, onEdit }: Props) {
  const { fabricId, name, state, schedule, jobUrl, deployedAt } = deployment
  const path = { fabricId, name }
  const confirm = useConfirm()
  const queries = useQueryClient()
  const isReached = state === 'deployed'
  const whole = useQuery({ ...queryOf('deploymentGet', { path }), enabled: isReached })
  const runs = useList('deploymentRunList', { path, query: { limit: 5 } })
  const run = useCall('deploymentRunCreate', ['deploymentRunList'])
  const remove = useCall('deploymentDelete', ['deploymentList'])
  const onOver = useCallback(() => {
    queries.invalidateQueries({ queryKey: ['deploymentRunList'] })
  }, [queries])
  const leave = async () => {
    const text = 'Its job is deleted at the workspace too, with its schedule. Runs under way end.'
    if (!(await confirm({ title: `Delete ${name}?`, text, action: 'Delete' }))) return
    await remove.mutateAsync({ path })
    toast(`${name} is deleted`)
  }
  return (
    <section className="card" aria-label={name}>
      <Stack p="lg" gap="sm">
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={3}>{name}</Title>
            <Badge color={stateColors[state]} variant="light" radius="sm">
              {state}
            </Badge>
          </Group>
          {isAdmin && (
            <Group gap="xs">
              <Button variant="subtle" size="xs" onClick={leave} loading={remove.isPending}>
                Delete
              </Button>
              <Button variant="default" size="xs" onClick={onEdit}>
                Deploy anew
              </Button>
              <Button
                size="xs"
                disabled={!mayRun || !isReached}
                loading={run.isPending}
                onClick={() => run.mutate({ path, body: {} })}
              >
                Run now
              </Button>
            </Group>
          )}
        </Group>
        <Text size="sm" c="dimmed">
          Deployed <Time at={deployedAt} />
          {schedule &&
            `; ${schedule.pauseStatus === 'PAUSED' ? 'paused' : 'scheduled'}: ${schedule.quartzCronExpression}, ${schedule.timezoneId}`}
          {jobUrl && (
            <>
              ;{' '}
              <Anchor href={jobUrl} target="_blank" rel="noreferrer" underline="always" inherit>
                its job at the workspace
              </Anchor>
            </>
          )}
        </Text>
        <Warnings deployment={deployment} job={whole.data?.job ?? null} />
        {whole.isError && <ProblemView error={whole.error} onRetry={() => whole.refetch()} />}
        {run.isError && <ProblemView error={run.error} />}
        {remove.isError && <ProblemView error={remove.error} />}
        {isReached && runs.isError && (
          <ProblemView error={runs.error} onRetry={() => runs.refetch()} />
        )}
      </Stack>
      {isReached && runs.isSuccess && runs.items.length === 0 && (
        <Nothing>It has not run yet.</Nothing>
      )}
      <ul className="plain-list" aria-label={`Runs of ${name}`}>
        {runs.items.map((one) => (
          <RunView key={one.runId} run={one} path={path} isAdmin={isAdmin} onOver={onOver} />
        ))}
      </ul>
      <ShowMore of={runs}>Show more runs</ShowMore>
    </section>
  )
}
