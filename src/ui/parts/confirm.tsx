import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'

export interface Question {
  readonly title: string
  /** What happens, to whom, and whether it can be undone. */
  readonly text: ReactNode
  /** The verb: `Delete the key`. */
  readonly action: string
  readonly isDangerous?: boolean
  /** To be typed first, where the harm cannot be undone. */
  readonly typed?: string
}

type Confirm = (question: Question) => Promise<boolean>
const Context = createContext<Confirm>(() => Promise.resolve(false))

/** Asks before what cannot be taken back: `if (await confirm({ … })) remove()`. */
export function useConfirm(): Confirm {
  return useContext(Context)
}

interface Asked extends Question {
  readonly answer: (isYes: boolean) => void
}

export function ConfirmProvider({ children }: { readonly children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null)
  const [isOpen, setIsOpen] = useState(false)
  const [typed, setTyped] = useState('')
  const confirm = useCallback<Confirm>((question) => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    setTyped('')
    setAsked({ ...question, answer: resolve })
    setIsOpen(true)
    return promise
  }, [])
  const settle = (isYes: boolean) => {
    setIsOpen(false)
    asked?.answer(isYes)
  }
  return (
    <Context value={confirm}>
      {children}
      <Modal opened={isOpen} onClose={() => settle(false)} title={asked?.title} centered>
        <Stack>
          <Text component="div" size="sm">
            {asked?.text}
          </Text>
          {asked?.typed && (
            <TextInput
              label={`Type ${asked.typed} to go on`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={() => settle(false)}>
              Cancel
            </Button>
            <Button
              {...(asked?.isDangerous && { color: 'red' })}
              disabled={asked?.typed !== undefined && typed !== asked.typed}
              onClick={() => settle(true)}
            >
              {asked?.action}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Context>
  )
}
