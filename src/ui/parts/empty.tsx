import { Stack, Text, ThemeIcon, Title } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  readonly icon: ReactNode
  readonly title: string
  /** What to do about it. */
  readonly children: ReactNode
  readonly action?: ReactNode
}

/** Where there is nothing yet: what would be here, and how it comes. */
export function Empty({ icon, title, children, action }: Props) {
  return (
    <Stack align="center" gap="sm" py={56} px="md" className="card">
      <ThemeIcon size={44} radius="xl" variant="light" aria-hidden>
        {icon}
      </ThemeIcon>
      <Title order={2} size="h3" ta="center">
        {title}
      </Title>
      <Text c="dimmed" size="sm" maw={460} ta="center" component="div">
        {children}
      </Text>
      {action}
    </Stack>
  )
}
