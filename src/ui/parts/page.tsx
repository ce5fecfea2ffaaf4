import { Group, Loader, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

interface Props {
  readonly title: string
  readonly description?: ReactNode
  /** Beside the title: what one does here most. */
  readonly actions?: ReactNode
  readonly children?: ReactNode
}

/** A page: its heading, what it is for, what to do, and the rest below. */
export function Page({ title, description, actions, children }: Props) {
  useDocumentTitle(`${title} – Weft`)
  return (
    <div className="page">
      <Stack gap="lg">
        <Group justify="space-between" align="flex-end" gap="md">
          <Stack gap={4} maw={720}>
            <Title order={1}>{title}</Title>
            {description && (
              <Text c="dimmed" size="sm" component="div">
                {description}
              </Text>
            )}
          </Stack>
          {actions && <Group gap="sm">{actions}</Group>}
        </Group>
        {children}
      </Stack>
    </div>
  )
}

/** While something loads: in its place, and said aloud. */
export function Loading({ of }: { readonly of: string }) {
  return (
    <Group justify="center" p="xl" role="status" mih={240}>
      <Loader size="sm" type="dots" />
      <Text c="dimmed" size="sm">
        Loading {of} …
      </Text>
    </Group>
  )
}
