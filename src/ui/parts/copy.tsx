import { ActionIcon, Button, CopyButton, Group, Text, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'

interface Props {
  readonly value: string
  /** What is copied, for who cannot see the button: `Copy the redirect URI`. */
  readonly label: string
}

/** Copies, and says that it did. */
export function Copy({ value, label }: Props) {
  return (
    <CopyButton value={value} timeout={2_000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon
            variant="subtle"
            color={copied ? 'teal' : 'gray'}
            aria-label={label}
            onClick={copy}
          >
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** The same as a button with words. */
export function CopyWithWords({ value, label }: Props) {
  return (
    <CopyButton value={value} timeout={2_000}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          size="xs"
          leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          onClick={copy}
        >
          {copied ? 'Copied' : label}
        </Button>
      )}
    </CopyButton>
  )
}

/** A value that people carry elsewhere: an address, an id, a key. */
export function Copyable({ value, label }: Props) {
  return (
    <Group gap={4} wrap="nowrap" align="center">
      <Text span className="mono">
        {value}
      </Text>
      <Copy value={value} label={label} />
    </Group>
  )
}
