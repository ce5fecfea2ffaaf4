import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { CopyWithWords } from './copy.tsx'
import './section.css'

interface Told {
  readonly title: string
  readonly value: string
  /** What the button says: `Copy the key`. */
  readonly label: string
  /** Where it belongs now. */
  readonly words: string
}

interface Props {
  readonly isOpen?: boolean
  readonly title: string
  /** Not there: nothing has been made yet. */
  readonly told: Told | undefined
  readonly onClose: () => void
  /** The form that makes it. */
  readonly children: ReactNode
}

/** A dialog that makes something and then tells what Weft tells this one time: no slip closes it. */
export function ShownOnceDialog({ isOpen = true, title, told, onClose, children }: Props) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={told?.title ?? title}
      closeOnClickOutside={told === undefined}
      size="lg"
    >
      {told === undefined ? (
        children
      ) : (
        <Stack>
          <Alert color="indigo" variant="light" title="It is shown this once">
            {told.words}
          </Alert>
          <Text className="mono shown-once">{told.value}</Text>
          <Group justify="space-between">
            <CopyWithWords value={told.value} label={told.label} />
            <Button onClick={onClose}>I have it</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
