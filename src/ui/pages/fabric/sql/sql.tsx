import { Button, Group, Kbd, Loader, Stack, Text, Textarea, Title } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useState } from 'react'
import { isCode } from '../../../api/problem.ts'
import { FabricProblem } from '../../../parts/fabric-problem.tsx'
import { SignInPrompt } from '../../../parts/sign-in-prompt.tsx'
import { ActAs, type As } from '../act-as.tsx'
import type { TabProps } from '../tab-props.ts'
import { ResultTable } from './result-table.tsx'
import { type StatementRun, useStatement } from './use-statement.ts'

/** As long as the pages are loaded: to another part of the fabric and back, and nothing typed is lost. */
const drafts = new Map<string, string>()

const words: Readonly<Record<StatementRun['status'], string>> = {
  idle: '',
  sending: 'Sending …',
  waiting: 'Waiting for the warehouse …',
  running: 'Running …',
  done: 'Done',
  canceled: 'Cancelled',
  failed: 'Failed'
}
const busy = new Set<StatementRun['status']>(['sending', 'waiting', 'running'])

function Progress({ run }: { readonly run: StatementRun }) {
  const [now, setNow] = useState(() => performance.now())
  const isBusy = busy.has(run.status)
  useInterval(() => setNow(performance.now()), 1_000, { autoInvoke: true })
  if (run.status === 'idle') return null
  const passedMs = run.totalMs ?? Math.max(0, now - run.startedAt)
  return (
    <Group gap={8}>
      {isBusy && <Loader size="xs" aria-hidden />}
      <Text size="sm" role="status">
        {words[run.status]}
      </Text>
      <Text size="sm" c="dimmed">
        {(passedMs / 1_000).toFixed(isBusy ? 0 : 1)} s
      </Text>
    </Group>
  )
}

/** Statements at the fabric's warehouse. */
export default function Sql({ fabric }: TabProps) {
  const [sql, setSql] = useState(() => drafts.get(fabric.id) ?? 'SELECT current_user()')
  const [as, setAs] = useState<As>('user')
  const { start, cancel, more, ...run } = useStatement(fabric.id, as)
  const { catalog, schema } = fabric.compute
  const isBusy = busy.has(run.status)
  const isSignInNeeded = isCode(run.error, 'sign_in_needed')
  const go = () => {
    if (sql.trim() !== '' && !isBusy) start({ sql, catalog, schema })
  }
  return (
    <Stack gap="lg">
      <Stack className="card" p="lg" gap="md">
        <Group justify="space-between">
          <Stack gap={2}>
            <Title order={2}>Ask the warehouse</Title>
            <Text size="sm" c="dimmed">
              {fabric.compute.warehouseId && `Warehouse ${fabric.compute.warehouseId}`}
              {catalog && `, in ${[catalog, schema].filter(Boolean).join('.')}`}
            </Text>
          </Stack>
          <ActAs fabric={fabric} value={as} onChange={setAs} />
        </Group>
        <Textarea
          label="Statement"
          className="mono-input"
          autosize
          minRows={4}
          maxRows={18}
          spellCheck={false}
          value={sql}
          onChange={({ currentTarget }) => {
            drafts.set(fabric.id, currentTarget.value)
            setSql(currentTarget.value)
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
            event.preventDefault()
            go()
          }}
        />
        <Group justify="space-between">
          <Progress run={run} />
          <Group gap="sm" ml="auto">
            <Text size="xs" c="dimmed" visibleFrom="sm">
              <Kbd>Ctrl</Kbd> or <Kbd>⌘</Kbd> + <Kbd>Enter</Kbd>
            </Text>
            {isBusy ? (
              <Button
                variant="default"
                onClick={cancel}
                leftSection={<IconPlayerStop size={16} aria-hidden />}
              >
                Cancel
              </Button>
            ) : (
              <Button
                onClick={go}
                disabled={sql.trim() === ''}
                leftSection={<IconPlayerPlay size={16} aria-hidden />}
              >
                Run
              </Button>
            )}
          </Group>
        </Group>
        {isSignInNeeded && (
          <SignInPrompt
            fabricId={fabric.id}
            onDone={go}
            title="Sign in, and the statement runs by itself"
          />
        )}
        {run.error !== null && !isSignInNeeded && <FabricProblem error={run.error} />}
      </Stack>
      {run.result && (
        <Stack className="card" p="lg" gap="md">
          <Title order={2}>Result</Title>
          <ResultTable key={run.statementId} result={run.result} onMore={more} />
        </Stack>
      )}
    </Stack>
  )
}
