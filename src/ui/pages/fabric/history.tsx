import { Alert, Badge, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
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

type Tested = NonNullable<Schemas['TestRecord']>

const changes: Readonly<Record<string, string>> = {
  workspaceUrl: 'the workspace',
  authMethod: 'how one signs in',
  appConnection: 'the app connection',
  servicePrincipal: 'the service principal',
  compute: 'the compute',
  signIn: 'your sign-in'
}

function Outcome({ record }: { readonly record: Tested }) {
  const { result, testedAt, testedBy, isOutdated, changedSince } = record
  return (
    <>
      <Group gap="sm">
        <Badge color={result.ok ? 'teal' : 'red'} variant="light" radius="sm">
          {result.ok ? 'The connection held' : 'The connection did not hold'}
        </Badge>
        {isOutdated && (
          <Badge color="gray" variant="outline" radius="sm">
            Outdated
          </Badge>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        Tested <Time at={testedAt} /> by {testedBy.name}
        {result.identity && `; Weft was ${result.identity.userName} there`}
      </Text>
      {isOutdated && (
        <Alert color="gray" variant="light" title="Test it again">
          {changedSince.length > 0
            ? `Since then ${changedSince.map((one) => changes[one] ?? one).join(', ')} changed.`
            : 'It is too old to go by.'}
        </Alert>
      )}
      <Steps steps={result.steps} expected={[]} isRunning={false} words={stepWords} />
    </>
  )
}

/** How the last test of each identity went, side by side. */
export default function TestHistory({ fabric }: TabProps) {
  const query = useQuery(queryOf('fabricTestResults', { path: { fabricId: fabric.id } }))
  if (query.isError) return <ProblemView error={query.error} onRetry={() => query.refetch()} />
  if (!query.data) return <Loading of="the tests" />
  const { user, servicePrincipal } = query.data
  if (user === null && servicePrincipal === null) {
    return (
      <Empty icon={<IconHistory size={22} />} title="Not tested yet">
        Run “Test connection” under My connection, as yourself or as the service principal. How it
        went stands here.
      </Empty>
    )
  }
  const sides = [
    ['As you', user, 'You have not tested it as yourself.'],
    [
      'As the service principal',
      servicePrincipal,
      fabric.servicePrincipal
        ? 'Nobody has tested it as the service principal.'
        : 'This fabric has no service principal.'
    ]
  ] as const
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      {sides.map(([title, record, none]) => (
        <Stack component="section" aria-label={title} key={title} className="card" p="lg" gap="md">
          <Title order={2}>{title}</Title>
          {record ? <Outcome record={record} /> : <Text size="sm">{none}</Text>}
        </Stack>
      ))}
    </SimpleGrid>
  )
}
