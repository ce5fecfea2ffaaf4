import { Alert, Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useEffect } from 'react'
import { useCall } from '../../../api/queries.ts'
import { useSteps } from '../../../api/use-steps.ts'
import type { Schemas } from '../../../generated/operations.ts'
import { moves, ProblemView } from '../../../parts/problem-view.tsx'
import { Time } from '../../../parts/time.tsx'

export type Run = Schemas['Run']
export type RunPath = { readonly fabricId: string; readonly name: string }

const colors: Readonly<Partial<Record<Run['state'], string>>> = {
  succeeded: 'teal',
  failed: 'red',
  timed_out: 'red',
  running: 'blue'
}

function StateBadge({ state }: { readonly state: Run['state'] }) {
  return (
    <Badge color={colors[state] ?? 'gray'} variant="light" radius="sm">
      {state.replace('_', ' ')}
    </Badge>
  )
}

interface Props {
  readonly run: Run
  readonly path: RunPath
  readonly isAdmin: boolean
  readonly onOver: () => void
}

/** One run, followed until it ends; to leave the page leaves it running. */
export function RunView({ run: known, path, isAdmin, onOver }: Props) {
  const { steps, result, error, start } = useSteps<Run, Run, 'deploymentRunGet'>('deploymentRunGet')
  const cancel = useCall('deploymentRunCancel', ['deploymentRunList'])
  const { fabricId, name } = path
  const { runId, isOver: wasOver } = known
  const follow = () => start({ path: { fabricId, name, runId } })
  useEffect(() => {
    if (!wasOver) start({ path: { fabricId, name, runId } })
  }, [start, fabricId, name, runId, wasOver])
  const isEnded = result !== null
  useEffect(() => {
    if (isEnded) onOver()
  }, [isEnded, onOver])
  const run = wasOver ? known : (result ?? steps.at(-1) ?? known)
  return (
    <li className="section-row">
      <Stack gap={4}>
        <Group gap="sm">
          <StateBadge state={run.state} />
          <Text size="sm" role={wasOver ? undefined : 'status'}>
            {run.message}
          </Text>
        </Group>
        {run.cause && (
          <Alert color="red" variant="light" title={run.cause.detail}>
            {moves[run.cause.owner]}
          </Alert>
        )}
        {error !== null && <ProblemView error={error} onRetry={follow} />}
        {cancel.isError && <ProblemView error={cancel.error} />}
      </Stack>
      <Text size="xs" c="dimmed">
        <Time at={run.startedAt} none="not started" />
        {run.tasks.map(({ taskKey, state }) => ` · ${taskKey}: ${state.replace('_', ' ')}`)}
      </Text>
      <Group gap="sm">
        <Anchor href={run.pageUrl} target="_blank" rel="noreferrer" size="sm">
          At the workspace
        </Anchor>
        {isAdmin && !run.isOver && (
          <Button
            variant="default"
            size="xs"
            loading={cancel.isPending}
            onClick={() => cancel.mutate({ path: { fabricId, name, runId } })}
          >
            Cancel
          </Button>
        )}
      </Group>
    </li>
  )
}
