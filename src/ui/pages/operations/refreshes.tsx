import { Group, Stack, Table, Text } from '@mantine/core'
import { Section } from '../../parts/section.tsx'
import { count, type ReplicasProps } from './replica.ts'

/** What a refresh can come to, the good first. */
const outcomes = [
  ['renewed', 'Renewed', 'A new token'],
  ['kept', 'Kept', 'Out of an answer that a replica which died had kept'],
  ['superseded', 'Overtaken', 'Another replica was faster'],
  ['needs_sign_in', 'Sign-in needed', 'Its person has to sign in again'],
  ['misconfigured', 'To be mended', 'An admin of the organisation has to act'],
  ['provider_unavailable', 'Provider away', 'Nothing is lost; it is tried again'],
  ['lost_answer', 'Answer lost', 'Nobody knows whether the refresh token was spent'],
  ['weft_unavailable', 'Weft away', 'Its own database or keys did not answer']
] as const
const good: ReadonlySet<string> = new Set(['renewed', 'kept', 'superseded'])
/** Weft's own doing; the rest is somebody else's. */
const bad: ReadonlySet<string> = new Set(['lost_answer', 'weft_unavailable'])
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 })

/** How well sign-ins and service principals are kept alive, over all replicas. */
export function Refreshes({ replicas }: ReplicasProps) {
  const counts = replicas.flatMap(({ vitals }) => vitals?.refreshes ?? [])
  const sum = (isWanted: (one: (typeof counts)[number]) => boolean) =>
    counts.filter(isWanted).reduce((total, one) => total + one.count, 0)
  const of = (outcome: string, identity: string) =>
    count.format(sum((one) => one.outcome === outcome && one.identity === identity))
  const all = sum(() => true)
  const well = sum(({ outcome }) => !bad.has(outcome))
  return (
    <Section
      title="Refreshes"
      description="What came of keeping sign-ins and service principals alive, over all replicas."
      action={
        all > 0 && (
          <Text size="sm" className="figures">
            {percent.format(well / all)} of {count.format(all)} without a fault of Weft
          </Text>
        )
      }
    >
      <Table verticalSpacing={7} className="outcomes">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Outcome</Table.Th>
            <Table.Th className="number">People</Table.Th>
            <Table.Th className="number">Service principals</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {outcomes.map(([outcome, words, meaning]) => (
            <Table.Tr key={outcome}>
              <Table.Td>
                <Group gap={8} wrap="nowrap" align="baseline">
                  <span className="dot" data-color={colorOf(outcome)} aria-hidden />
                  <Stack gap={0}>
                    <Text size="sm">{words}</Text>
                    <Text size="xs" c="dimmed">
                      {meaning}
                    </Text>
                  </Stack>
                </Group>
              </Table.Td>
              <Table.Td className="number">{of(outcome, 'user')}</Table.Td>
              <Table.Td className="number">{of(outcome, 'service_principal')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  )
}

function colorOf(outcome: string): string {
  if (good.has(outcome)) return 'teal'
  return bad.has(outcome) ? 'red' : 'yellow'
}
