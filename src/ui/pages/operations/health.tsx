import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queryOf } from '../../api/queries.ts'
import { Age } from '../../parts/age.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Queues } from './queues.tsx'
import { Refreshes } from './refreshes.tsx'
import { Replicas } from './replicas.tsx'

const pollMs = 5_000

/** How the processes that serve are doing, each of them and all together. */
export function Health() {
  const query = useQuery({ ...queryOf('operationsGet', {}), refetchInterval: pollMs })
  const { data } = query
  if (query.isPending) return <Loading of="the replicas" />
  return (
    <Stack gap="lg">
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {data && (
        <>
          <Text size="sm" c="dimmed">
            As of <Age at={data.at} />, asked for anew every five seconds. What each replica tells
            of itself counts from its start.
          </Text>
          <Replicas replicas={data.replicas} />
          <Refreshes replicas={data.replicas} />
          <Queues replicas={data.replicas} />
        </>
      )}
    </Stack>
  )
}
