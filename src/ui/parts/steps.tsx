import { Anchor, Group, Loader, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconCheck, IconExclamationMark, IconMinus, IconX } from '@tabler/icons-react'
import { Copyable } from './copy.tsx'
import { moves } from './problem-view.tsx'
import { Time } from './time.tsx'

/** What its owner should do, where, and what to carry there. */
interface Action {
  readonly text: string
  readonly url?: string
  readonly value?: string
}

interface Note {
  readonly detail: string
  readonly owner?: string
  readonly action?: string
}

/** One step of a test or verification, as the API tells it. */
export interface StepResult {
  readonly step: string
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly code?: string
  readonly detail?: string
  readonly owner?: string
  readonly action?: string | Action
  readonly retryAt?: string
  /** What is worth knowing of a step that passed; with an owner, there is something to do about it. */
  readonly note?: Note
  readonly durationMs?: number
}

const icons = {
  passed: ['teal', <IconCheck key="passed" size={12} />],
  failed: ['red', <IconX key="failed" size={12} />],
  skipped: ['gray', <IconMinus key="skipped" size={12} />],
  warned: ['yellow', <IconExclamationMark key="warned" size={12} />]
} as const

interface Props {
  readonly steps: readonly StepResult[]
  /** All that will come, in order; what has not come yet waits. */
  readonly expected: readonly string[]
  readonly isRunning: boolean
  /** What a step that takes long is at. */
  readonly progress?: string | null
  readonly words?: Readonly<Record<string, string>>
}

/** Steps as they happen: done, under way, to come. */
export function Steps({ steps, expected, isRunning, progress, words = {} }: Props) {
  const waiting = expected.filter((name) => !steps.some(({ step }) => step === name))
  return (
    <Stack gap={10} role="log" aria-label="Steps">
      {steps.map((one) => {
        const [color, icon] = icons[one.note?.owner ? 'warned' : one.status]
        return (
          <Group key={one.step} gap="sm" wrap="nowrap" align="flex-start">
            <ThemeIcon size={20} radius="xl" color={color} variant="light" aria-hidden>
              {icon}
            </ThemeIcon>
            <Stack gap={2}>
              <Text size="sm" fw={500}>
                {words[one.step] ?? one.step}{' '}
                <Text span size="xs" c="dimmed">
                  {one.status === 'skipped' || one.durationMs === undefined
                    ? one.status
                    : `${one.status}, ${Math.round(one.durationMs)} ms`}
                </Text>
              </Text>
              {one.detail && <Text size="sm">{one.detail}</Text>}
              {one.note && <Text size="sm">{one.note.detail}</Text>}
              {one.note && <Advice of={one.note} />}
              {one.status === 'failed' && <Advice of={one} />}
            </Stack>
          </Group>
        )
      })}
      {isRunning &&
        waiting.map((name, at) => (
          <Group key={name} gap="sm" wrap="nowrap">
            <Group w={20} justify="center" aria-hidden>
              {at === 0 ? <Loader size={14} /> : <span className="dot" data-color="gray" />}
            </Group>
            <Text size="sm" c="dimmed">
              {words[name] ?? name}
              {at === 0 && progress && ` – ${progress}`}
            </Text>
          </Group>
        ))}
    </Stack>
  )
}

/** What is to be done about it, and whose move that is. */
function Advice({
  of: { action, owner, retryAt }
}: {
  readonly of: Pick<StepResult, 'action' | 'owner' | 'retryAt'>
}) {
  const told = typeof action === 'string' ? { text: action } : action
  const move = Object.entries(moves).find(([name]) => name === owner)?.[1]
  return (
    <>
      {told && (
        <Text size="sm">
          {told.text}{' '}
          {told.url && (
            <Anchor href={told.url} target="_blank" rel="noreferrer" inherit>
              Open the page
            </Anchor>
          )}
        </Text>
      )}
      {told?.value && <Copyable value={told.value} label="Copy the value" />}
      {move && (
        <Text size="sm" c="dimmed">
          {move}
        </Text>
      )}
      {retryAt && (
        <Text size="sm" c="dimmed">
          It may work again <Time at={retryAt} />.
        </Text>
      )}
    </>
  )
}
