import { Badge, Group, Stack, Text } from '@mantine/core'
import { Age } from '../../parts/age.tsx'
import { Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { counted, type Replica, type ReplicasProps } from './replica.ts'

const lacking: Readonly<Record<string, string>> = {
  key_service: 'the key management service',
  key_ring: 'a good key ring file',
  audit_records: 'a database that takes records'
}

interface State {
  readonly color: 'teal' | 'yellow' | 'red' | 'gray'
  readonly words: string
}

function stateOf({ isServing, vitals }: Replica): State {
  if (!isServing) return { color: 'red', words: 'Silent: it ended without a word' }
  if (vitals === null) return { color: 'gray', words: 'Serves; of another version' }
  if (vitals.lacks === null) return { color: 'red', words: 'Not ready: it gets no calls' }
  if (vitals.lacks.length === 0) return { color: 'teal', words: 'Ready' }
  const parts = vitals.lacks.map((part) => lacking[part] ?? part)
  return { color: 'yellow', words: `Ready, without ${parts.join(' and ')}` }
}

function loadOf({ vitals }: Replica): string {
  if (vitals === null) return ''
  const { callsInFlight, breakersOpen, loopLateMs } = vitals
  return [
    counted(callsInFlight, 'call', 'calls'),
    `${loopLateMs} ms late`,
    ...(breakersOpen > 0 ? [counted(breakersOpen, 'host away', 'hosts away')] : [])
  ].join(', ')
}

/** Which processes serve: since when, what they run, when they were last heard of. */
export function Replicas({ replicas }: ReplicasProps) {
  const serving = replicas.filter(({ isServing }) => isServing)
  const versions = new Set(serving.flatMap(({ vitals }) => vitals?.version ?? []))
  return (
    <Section
      title={counted(serving.length, 'replica serves', 'replicas serve')}
      description={
        versions.size > 1
          ? `Versions ${[...versions].sort().join(' and ')} run side by side.`
          : 'The processes that serve. Each tells of itself every three seconds.'
      }
    >
      <ul className="plain-list" aria-label="Replicas">
        {replicas.map((replica) => (
          <Row key={replica.id} replica={replica} />
        ))}
      </ul>
    </Section>
  )
}

function Row({ replica }: { readonly replica: Replica }) {
  const { id, host, startedAt, seenAt, isServing, vitals } = replica
  const { color, words } = stateOf(replica)
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={500} className="mono">
            {host}
          </Text>
          {vitals && (
            <Badge variant="light" color="gray" size="sm" radius="sm" tt="none">
              {vitals.version}
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          {id.slice(0, 8)}, started <Time at={startedAt} />
        </Text>
      </Stack>
      <Stack gap={0}>
        <Group gap={8} wrap="nowrap">
          <span className="dot" data-color={color} aria-hidden />
          <Text size="sm">{words}</Text>
        </Group>
        <Text size="xs" c="dimmed">
          heard of <Age at={seenAt} />
        </Text>
      </Stack>
      <Text size="sm" c="dimmed" className="figures">
        {isServing && loadOf(replica)}
      </Text>
    </li>
  )
}
