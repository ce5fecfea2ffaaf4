import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { CopyWithWords } from './copy.tsx'
import './section.css'

interface Props {
  readonly value: string
  /** What the button says: `Copy the key`. */
  readonly label: string
  /** Where it belongs now. */
  readonly children: ReactNode
  readonly onDone: () => void
}

/** In a dialog: what Weft tells this one time. */
export function ShownOnce({ value, label, children, onDone }: Props) {
  return (
    <Stack>
      <Alert color="indigo" variant="light" title="It is shown this once">
        {children}
      </Alert>
      <Text className="mono shown-once">{value}</Text>
      <Group justify="space-between">
        <CopyWithWords value={value} label={label} />
        <Button onClick={onDone}>I have it</Button>
      </Group>
    </Stack>
  )
}
