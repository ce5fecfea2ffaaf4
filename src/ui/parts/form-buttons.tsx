import { Button, Group } from '@mantine/core'

interface Props {
  /** The verb: `Make the token`. */
  readonly action: string
  readonly isPending: boolean
  readonly onCancel: () => void
}

/** At the foot of a dialog's form: leave it, or send it. */
export function FormButtons({ action, isPending, onCancel }: Props) {
  return (
    <Group justify="flex-end" gap="sm">
      <Button variant="default" onClick={onCancel}>
        Cancel
      </Button>
      <Button type="submit" loading={isPending}>
        {action}
      </Button>
    </Group>
  )
}
