import { Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import './section.css'

interface Props {
  readonly title: string
  readonly description: ReactNode
  readonly action?: ReactNode
  readonly children: ReactNode
}

/** One concern of a page: what it is, what to do, and the rows of it. */
export function Section({ title, description, action, children }: Props) {
  return (
    <section className="card" aria-label={title}>
      <Group justify="space-between" align="flex-start" p="lg" gap="md">
        <Stack gap={4} className="section-words">
          <Title order={2}>{title}</Title>
          <Text c="dimmed" size="sm" component="div">
            {description}
          </Text>
        </Stack>
        {action}
      </Group>
      {children}
    </section>
  )
}

/** In a section: what there is none of yet. */
export function Nothing({ children }: { readonly children: ReactNode }) {
  return (
    <Text c="dimmed" size="sm" px="lg" pb="lg">
      {children}
    </Text>
  )
}
