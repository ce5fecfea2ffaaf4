import { Group, Loader, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { Owner } from '../api/problem.ts'
import { moves } from './problem-view.tsx'

/** One step of a test or verification, as the API tells it. */
export interface StepResult {
  readonly step: string
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly code?: string
  readonly detail?: string
  readonly owner?: Owner
  readonly durationMs: number
}

const icons = {
  passed: ['teal', <IconCheck key="passed" size={12} />],
  failed: ['red', <IconX key="failed" size={12} />],
  skipped: ['gray', <IconMinus key="skipped" size={12} />]
} as const

interface Props {
  readonly steps: readonly StepResult[]
  /** All that will come, in order; what has not come yet waits. */
  readonly expected: readonly string[]
  readonly isRunning: boolean
  readonly words?: Readonly<Record<string, string>>
  /** More about a failed step: what to do and where. */
  readonly adviceOf?: (step: StepResult) => ReactNode
}

/** Steps as they happen: done, under way, to come. */
export function Steps({ steps, expected, isRunning, words = {}, adviceOf }: Props) {
  const waiting = expected.filter((name) => !steps.some(({ step }) => step === name))
  return (
    <Stack gap={10} role="log" aria-label="Steps">
      {steps.map((one) => {
        const [color, icon] = icons[one.status]
        return (
          <Group key={one.step} gap="sm" wrap="nowrap" align="flex-start">
            <ThemeIcon size={20} radius="xl" color={color} variant="light" aria-hidden>
              {icon}
            </ThemeIcon>
            <Stack gap={2}>
              <Text size="sm" fw={500}>
                {words[one.step] ?? one.step}{' '}
                <Text span size="xs" c="dimmed">
                  {one.status === 'skipped'
                    ? 'skipped'
                    : `${one.status}, ${Math.round(one.durationMs)} ms`}
                </Text>
              </Text>
              {one.detail && <Text size="sm">{one.detail}</Text>}
              {one.status === 'failed' && one.owner && (
                <Text size="sm" c="dimmed">
                  {moves[one.owner]}
                </Text>
              )}
              {one.status === 'failed' && adviceOf?.(one)}
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
            </Text>
          </Group>
        ))}
    </Stack>
  )
}
