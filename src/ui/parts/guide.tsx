import { Group, Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import './guide.css'

interface Props {
  readonly number: number
  readonly title: string
  readonly isDone: boolean
  /** The first that is not done: the one to do. */
  readonly isNext: boolean
  /** What it is for. */
  readonly children: ReactNode
  /** Shown where it is the one to do. */
  readonly action?: ReactNode
  /** What one works with here, in the whole width. */
  readonly content?: ReactNode
}

/** Steps in their order: done, to be done now, later. */
export function Guide({ children }: { readonly children: ReactNode }) {
  return <ol className="guide card">{children}</ol>
}

export function GuideStep({ number, title, isDone, isNext, children, action, content }: Props) {
  const state = isDone ? 'done' : isNext ? 'next' : 'later'
  return (
    <li className="guide-step" data-state={state} aria-current={isNext ? 'step' : undefined}>
      <span className="guide-number" aria-hidden>
        {isDone ? <IconCheck size={18} stroke={2.4} /> : number}
      </span>
      <Stack gap={6} pb={4} miw={0}>
        <Title order={2} size="h3">
          {title}{' '}
          <span className="sr-only">{isDone ? '(done)' : isNext ? '(next)' : '(later)'}</span>
        </Title>
        <Text size="sm" c="dimmed" maw={560} component="div">
          {children}
        </Text>
        {isNext && action && <Group pt={6}>{action}</Group>}
        {content}
      </Stack>
    </li>
  )
}
