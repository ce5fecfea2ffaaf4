import { Alert, Anchor, Button, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { loginUrl, type Me, meQuery } from '../api/me.ts'
import { pathOf } from '../api/prefix.ts'
import { sessionGate } from '../api/session-gate.ts'
import { onLogin, openPopup } from './popup.ts'

/** When the session ends in the middle of something: logs in again beside the page, which then goes on by itself. */
export function LoginAgain({ me }: { readonly me: Me }) {
  const isClosed = useSyncExternalStore(sessionGate.subscribe, sessionGate.isClosed)
  const queries = useQueryClient()
  const [isBlocked, setIsBlocked] = useState(false)
  const url = loginUrl({ tenant: me.tenant.slug }, pathOf('/console/done'))

  const goOn = useCallback(async () => {
    const now = await queries.fetchQuery({ ...meQuery, staleTime: 0 })
    if (now === null) return
    // Somebody else, or another organisation: nothing of this page is theirs.
    if (now.user.id !== me.user.id || now.tenant.id !== me.tenant.id) window.location.reload()
    else sessionGate.open()
  }, [queries, me])

  useEffect(() => {
    if (!isClosed) return
    const stop = onLogin(goOn)
    window.addEventListener('focus', goOn)
    return () => {
      stop()
      window.removeEventListener('focus', goOn)
    }
  }, [isClosed, goOn])

  return (
    <Modal.Root opened={isClosed} onClose={() => {}} closeOnEscape={false} centered>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          {/* No header: it would be a second banner beside that of a form's own dialog. */}
          <Modal.Title mb="md">Your session has ended</Modal.Title>
          <Stack>
            <Text size="sm">
              Log in again as {me.user.email}. This page stays as it is, nothing you typed is lost,
              and what you were doing goes on by itself.
            </Text>
            {isBlocked && (
              <Alert color="yellow" variant="light">
                Your browser blocked the window.{' '}
                <Anchor href={url} target="_blank" rel="opener" inherit>
                  Log in in a new tab
                </Anchor>
              </Alert>
            )}
            <Button data-autofocus onClick={() => setIsBlocked(openPopup(url) === null)}>
              Log in
            </Button>
          </Stack>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
