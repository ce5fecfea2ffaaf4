import { Stack, Text } from '@mantine/core'
import { Section } from '../../parts/section.tsx'
import { counted, type ReplicasProps } from './replica.ts'

const queues: Readonly<Record<string, readonly [words: string, meaning: string]>> = {
  last_uses: ['Last uses', 'When sessions, keys and tokens were used last'],
  audit_records: ['Records of calls', 'Written to the audit trail in batches']
}

const streams: Readonly<Record<string, readonly [words: string, meaning: string]>> = {
  webhook: ['Webhooks', 'Events on their way to receivers'],
  otlp: ['Logs', 'The record on its way to the OpenTelemetry collector']
}

interface RowProps {
  readonly words: string
  readonly meaning: string
  readonly waiting: number
  /** What went wrong; null: nothing did. */
  readonly bad: string | null
  /** What is said where nothing did. */
  readonly good: string
}

function Row({ words, meaning, waiting, bad, good }: RowProps) {
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Text size="sm" fw={500}>
          {words}
        </Text>
        <Text size="xs" c="dimmed">
          {meaning}
        </Text>
      </Stack>
      <Text size="sm" className="figures">
        {waiting === 0 ? 'Nothing waits' : counted(waiting, 'waits', 'wait')}
      </Text>
      <Text size="sm" c={bad === null ? 'dimmed' : 'var(--mantine-color-error)'}>
        {bad ?? good}
      </Text>
    </li>
  )
}

/** What waits to be written or sent: in the memory of the replicas, and of the record before its receivers. */
export function Queues({ replicas }: ReplicasProps) {
  const vitals = replicas.flatMap((one) => (one.isServing && one.vitals ? [one.vitals] : []))
  const sizes = vitals.flatMap((one) => one.queues)
  const names = [...new Set(sizes.map(({ name }) => name))]
  // Every replica tells the same of them; one that has not looked yet tells of nothing.
  const sent = vitals.find((one) => one.streams.length > 0)?.streams ?? []
  return (
    <Section
      title="Queues"
      description="What waits to be written or sent, over all replicas. It should be near nothing."
    >
      <ul className="plain-list" aria-label="Queues">
        {names.map((name) => {
          const own = sizes.filter((one) => one.name === name)
          const waiting = own.reduce((total, one) => total + one.waiting, 0)
          const dropped = own.reduce((total, one) => total + one.dropped, 0)
          const [words, meaning] = queues[name] ?? [name, '']
          const bad = dropped === 0 ? null : counted(dropped, 'given up', 'given up')
          return <Row key={name} {...{ words, meaning, waiting, bad }} good="None given up" />
        })}
        {sent.map(({ kind, waiting, failing }) => {
          const [words, meaning] = streams[kind] ?? [kind, '']
          const bad =
            failing === 0
              ? null
              : counted(failing, 'receiver does not answer', 'receivers do not answer')
          return <Row key={kind} {...{ words, meaning, waiting, bad }} good="No receiver fails" />
        })}
      </ul>
    </Section>
  )
}
