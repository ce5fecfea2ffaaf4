import { Alert, Badge, Group, Stack, Text, Title } from '@mantine/core'
import { IconTestPipe } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Steps } from '../../parts/steps.tsx'
import { Time } from '../../parts/time.tsx'
import { stepWords } from './connection-test.tsx'
import type { TabProps } from './tab-props.ts'

type TestRecord = NonNullable<Schemas['TestRecord']>

const changes: Readonly<Record<TestRecord['changedSince'][number], string>> = {
  workspaceUrl: 'the workspace',
  authMethod: 'the way to sign in',
  appConnection: 'the app connection',
  servicePrincipal: 'the service principal',
  compute: 'the compute',
  signIn: 'your sign-in'
}

/** How the latest test went, as oneself and as the service principal. */
export default function TestHistory({ fabric }: TabProps) {
  const query = useQuery(queryOf('fabricTestResults', { path: { fabricId: fabric.id } }))
  if (query.isError) return <ProblemView error={query.error} onRetry={() => query.refetch()} />
  if (!query.data) return <Loading of="the tests" />
  const records = [query.data.user, query.data.servicePrincipal].filter((record) => record !== null)
  if (records.length === 0) {
    return (
      <Empty icon={<IconTestPipe size={22} />} title="Not tested yet">
        Run Test connection under My connection; how it went stays here, step by step.
      </Empty>
    )
  }
  return (
    <Stack gap="lg">
      {records.map((record) => (
        <Latest key={record.as} record={record} />
      ))}
    </Stack>
  )
}

function Latest({ record }: { readonly record: TestRecord }) {
  const { as, result, testedAt, testedBy, isOutdated, changedSince } = record
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Stack gap={2}>
          <Title order={2}>{as === 'user' ? 'As you' : 'As the service principal'}</Title>
          <Text size="sm" c="dimmed">
            Tested <Time at={testedAt} /> by {testedBy.name}
            {result.identity && `; Weft was ${result.identity.userName}`}
          </Text>
        </Stack>
        <Badge variant="light" color={result.ok ? 'teal' : 'red'} radius="sm">
          {result.ok ? 'Holds' : 'Does not hold'}
        </Badge>
      </Group>
      {isOutdated && (
        <Alert color="yellow" variant="light" title="Something has changed since">
          {changedSince.map((name) => changes[name]).join(', ')}. Test again to know.
        </Alert>
      )}
      <Steps steps={result.steps} expected={[]} isRunning={false} words={stepWords} />
    </Stack>
  )
}
