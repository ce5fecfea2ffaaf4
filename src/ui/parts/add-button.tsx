import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'

interface Props {
  /** `New token`. */
  readonly children: string
  readonly isPending?: boolean
  readonly onClick: () => void
}

/** Beside the heading of a list: one more of what it lists. */
export function AddButton({ children, isPending = false, onClick }: Props) {
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlus size={14} />}
      loading={isPending}
      onClick={onClick}
    >
      {children}
    </Button>
  )
}
