import { Stack, Text } from '@mantine/core'
import { Section } from '../../parts/section.tsx'
import { counted, type ReplicasProps } from './replica.ts'

const known: Readonly<Record<string, readonly [words: string, meaning: string]>> = {
  last_uses: ['Last uses', 'When sessions, keys and tokens were used last'],
  audit_records: ['Records of calls', 'Written to the audit trail in batches']
}

/** What waits in the replicas' memory to be written or sent, over all of them. */
export function Queues({ replicas }: ReplicasProps) {
  const sizes = replicas
    .filter(({ isServing }) => isServing)
    .flatMap(({ vitals }) => vitals?.queues ?? [])
  const names = [...new Set(sizes.map(({ name }) => name))]
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
          const [words, meaning] = known[name] ?? [name, '']
          return (
            <li key={name} className="section-row">
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
              <Text size="sm" c={dropped > 0 ? 'var(--mantine-color-error)' : 'dimmed'}>
                {dropped === 0 ? 'None given up' : counted(dropped, 'given up', 'given up')}
              </Text>
            </li>
          )
        })}
      </ul>
    </Section>
  )
}
