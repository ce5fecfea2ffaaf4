import { Button, Group } from '@mantine/core'

interface Props {
  /** The verb: `Make the token`. */
  readonly action: string
  readonly isPending: boolean
  /** It cannot be brought back. */
  readonly isDangerous?: boolean
  readonly isDisabled?: boolean
  readonly onCancel: () => void
}

/** At the foot of a dialog's form: leave it, or send it. */
export function FormButtons({
  action,
  isPending,
  isDangerous = false,
  isDisabled = false,
  onCancel
}: Props) {
  return (
    <Group justify="flex-end" gap="sm">
      <Button variant="default" onClick={onCancel}>
        Cancel
      </Button>
      <Button
        type="submit"
        loading={isPending}
        disabled={isDisabled}
        {...(isDangerous && { color: 'red' })}
      >
        {action}
      </Button>
    </Group>
  )
}
