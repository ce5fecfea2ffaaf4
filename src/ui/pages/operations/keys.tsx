import { Badge, Group, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Age } from '../../parts/age.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { DataKeys } from './data-keys.tsx'
import { counted } from './replica.ts'

type KeyRing = Schemas['OperationsKeys']
type Key = KeyRing['keys'][number]

/** Counting goes through every organisation: seldom, and sooner only while something is on its way. */
const [restMs, busyMs] = [60_000, 10_000]

const isBusy = ({ keys, dataKeys }: KeyRing) =>
  dataKeys.rotating.length > 0 || keys.some(({ state }) => state === 'opens')

/** The key ring, what it wraps, and how far rotations are. */
export function Keys() {
  const query = useQuery({
    ...queryOf('operationsKeys', {}),
    refetchInterval: ({ state }) => (state.data && isBusy(state.data) ? busyMs : restMs)
  })
  const { data } = query
  if (query.isPending) return <Loading of="the keys" />
  return (
    <Stack gap="lg">
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {data && (
        <>
          <Text size="sm" c="dimmed">
            Counted <Age at={data.at} />, again every {isBusy(data) ? 'ten seconds' : 'minute'}.
          </Text>
          <Ring keys={data.keys} />
          <DataKeys dataKeys={data.dataKeys} />
        </>
      )}
    </Stack>
  )
}

function Ring({ keys }: { readonly keys: readonly Key[] }) {
  return (
    <Section
      title="Key ring"
      description={
        <>
          Keys that wrap the organisations’ data keys. To rotate: put the next one first into every
          replica’s ring, then run <span className="mono">weft keys rotate</span>.
        </>
      }
    >
      <Rewrapping keys={keys} />
      <ul className="plain-list" aria-label="Key ring">
        {keys.map((key) => (
          <KeyRow key={key.kid} of={key} />
        ))}
      </ul>
    </Section>
  )
}

/** How much the key that seals wraps already, while an older one still wraps something. */
function Rewrapping({ keys }: { readonly keys: readonly Key[] }) {
  const total = keys.reduce((sum, { wraps }) => sum + wraps, 0)
  const done = keys.find(({ state }) => state === 'seals')?.wraps ?? 0
  if (!keys.some(({ state }) => state === 'opens')) return null
  const words = `${done} of ${counted(total, 'data key is', 'data keys are')} wrapped by the key that seals`
  return (
    <Stack gap={6} px="lg" pb="lg">
      <Text size="sm">{words}</Text>
      <Progress value={total === 0 ? 100 : (done / total) * 100} aria-label={words} />
    </Stack>
  )
}

const states: Readonly<Record<Key['state'], readonly [color: string, word: string, next: string]>> =
  {
    seals: ['teal', 'Seals', 'Wraps new data keys'],
    opens: ['indigo', 'Opens', 'Run weft keys rotate to wrap what it holds anew'],
    staged: ['indigo', 'Staged', 'Seals once weft keys rotate promotes it'],
    unneeded: ['gray', 'Not needed', 'May be taken out of the rings; backups may need it']
  }

function KeyRow({ of }: { readonly of: Key }) {
  const { kid, fingerprint, state, isInRing, promotedAt, wraps, missingOn } = of
  const [color, word, next] = states[state]
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={500} className="mono">
            {kid}
          </Text>
          <Badge variant="light" color={color} size="sm" radius="sm">
            {word}
          </Badge>
        </Group>
        <Text size="xs" c="dimmed" className="mono">
          {fingerprint ?? 'fingerprint unknown'}
        </Text>
      </Stack>
      <Stack gap={0}>
        <Text size="sm">
          {next}
          {promotedAt !== null && (
            <>
              , since <Time at={promotedAt} />
            </>
          )}
        </Text>
        {missingOn.length > 0 && (
          <Text size="sm" c="var(--mantine-color-error)">
            Missing on {missingOn.join(', ')}
          </Text>
        )}
        {!isInRing && missingOn.length === 0 && (
          <Text size="sm" c="dimmed">
            Not in the ring of the replica that answered
          </Text>
        )}
      </Stack>
      <Text size="sm" c="dimmed" className="figures">
        {counted(wraps, 'data key', 'data keys')}
      </Text>
    </li>
  )
}
