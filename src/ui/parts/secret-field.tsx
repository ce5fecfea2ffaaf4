import { Button, Group, Input, PasswordInput, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useConfirm } from './confirm.tsx'
import { SecretTimes, type SecretTimesOf } from './secret-times.tsx'

/** What Weft tells of a secret; never the secret. */
export interface SecretFacts extends SecretTimesOf {
  readonly hint: string
}

interface Props {
  readonly label: string
  readonly description?: ReactNode
  readonly secret: SecretFacts | null
  /** What is typed; the form's to send and to forget. */
  readonly value: string
  readonly onChange: (value: string) => void
  readonly error?: ReactNode
  /** Left out where it cannot be deleted. */
  readonly onDelete?: () => void
  /** What no longer works without it. */
  readonly deleteWarning?: string
  readonly isRequired?: boolean
}

/** A write-only secret: shows that it is set, its last characters and its last use; is replaced, never read. */
export function SecretField(props: Props) {
  const { label, description, secret, value, onChange, error, onDelete } = props
  const confirm = useConfirm()
  const [isReplacing, setIsReplacing] = useState(false)
  if (secret === null || isReplacing) {
    return (
      <PasswordInput
        label={label}
        description={description}
        value={value}
        error={error}
        autoComplete="off"
        required={props.isRequired ?? false}
        onChange={(event) => onChange(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': `Show what is typed as ${label}` }}
      />
    )
  }
  const remove = async () => {
    const text = props.deleteWarning ?? 'It cannot be brought back.'
    const action = 'Delete it'
    if (await confirm({ title: `Delete ${label}?`, text, action, isDangerous: true })) onDelete?.()
  }
  return (
    <Stack gap={4}>
      <Input.Label labelElement="div">{label}</Input.Label>
      {description && <Input.Description component="div">{description}</Input.Description>}
      <Group justify="space-between" px="sm" py={8} className="card" wrap="wrap">
        <Group gap="sm">
          <Text span className="mono">
            {secret.hint}
          </Text>
          <SecretTimes of={secret} />
        </Group>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" onClick={() => setIsReplacing(true)}>
            Replace
          </Button>
          {onDelete && (
            <Button size="compact-sm" variant="subtle" color="red" onClick={remove}>
              Delete
            </Button>
          )}
        </Group>
      </Group>
    </Stack>
  )
}
