import { Group, Loader, SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { CodeBlock } from '../../../parts/code-block.tsx'
import { FabricProblem } from '../../../parts/fabric-problem.tsx'
import { pretty } from './answer-text.ts'
import { type Asked, shownMax } from './use-ask.ts'

const identities: Readonly<Record<string, string>> = {
  user: 'as you',
  service_principal: 'as the service principal'
}

function durationOf(serverTiming: string | null, name: string): number | null {
  const found = new RegExp(`\\b${name};(?:[^,]*;)?dur=([\\d.]+)`).exec(serverTiming ?? '')
  return found ? Number(found[1]) : null
}

function milliseconds(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`
}

function Timings({ asked }: { readonly asked: Asked }) {
  const { identity, firstByteMs, totalMs, serverTiming } = asked
  const times = [
    ['First byte', firstByteMs],
    ['Total', totalMs],
    ['In Weft', durationOf(serverTiming, 'weft')],
    ['In the workspace', durationOf(serverTiming, 'upstream')]
  ] as const
  const token = /token;desc="?(\w+)/.exec(serverTiming ?? '')?.[1]
  return (
    <Group gap="lg" aria-label="Timings" role="group">
      {times.map(
        ([words, value]) =>
          value !== null && (
            <Text size="sm" key={words}>
              <Text span inherit c="dimmed">
                {words}
              </Text>{' '}
              {milliseconds(value)}
            </Text>
          )
      )}
      {token && (
        <Text size="sm">
          <Text span inherit c="dimmed">
            Token
          </Text>{' '}
          {token}
        </Text>
      )}
      {identity && <Text size="sm">Ran {identities[identity] ?? identity}</Text>}
    </Group>
  )
}

interface Props {
  readonly asked: Asked
  readonly onRetry: () => void
  /** Stands in place of a problem that a sign-in mends. */
  readonly isSignInShown: boolean
}

/** The answer as it comes, as text or as it came, with how long it took. */
export function AnswerView({ asked, onRetry, isSignInShown }: Props) {
  const [view, setView] = useState<'text' | 'raw'>('text')
  const { status, text, raw, error } = asked
  if (status === 'idle' || (error !== null && isSignInShown)) return null
  const isText = view === 'text' && text !== ''
  const shown = isText ? text : pretty(raw)
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Group gap="sm">
          <Title order={2}>Answer</Title>
          <Text size="sm" c="dimmed" role="status">
            {status === 'running' && 'comes in …'}
            {status === 'stopped' && 'stopped by you'}
            {status === 'done' && 'complete'}
          </Text>
          {status === 'running' && <Loader size="xs" aria-hidden />}
        </Group>
        {text !== '' && (
          <SegmentedControl
            size="xs"
            aria-label="Show the answer as"
            value={view}
            onChange={(next) => setView(next === 'raw' ? 'raw' : 'text')}
            data={[
              { value: 'text', label: 'Text' },
              { value: 'raw', label: 'Raw' }
            ]}
          />
        )}
      </Group>
      {shown !== '' && (
        <CodeBlock
          text={shown}
          label={isText ? 'The answer as text' : 'The answer as it came'}
          isWrapped
        />
      )}
      {raw.length >= shownMax && (
        <Text size="sm">The answer is longer than a page can show; this is its beginning.</Text>
      )}
      {error !== null && <FabricProblem error={error} onRetry={onRetry} />}
      <Timings asked={asked} />
    </Stack>
  )
}
