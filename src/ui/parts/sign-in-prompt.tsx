import { Alert, Anchor, Button, Group, Loader, Stack, Text } from '@mantine/core'
import { IconLogin2 } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { call } from '../api/client.ts'
import { pathOf } from '../api/prefix.ts'
import { queryOf } from '../api/queries.ts'
import { onSignIn, openPopup } from '../shell/popup.ts'
import { ProblemView } from './problem-view.tsx'
import { TokenPrompt } from './token-prompt.tsx'

const pollMs = 2_000

/** Signs in at a fabric's workspace in a window beside the page; `onDone` once it is done. */
export function useSignIn(fabricId: string, onDone: () => void) {
  const queries = useQueryClient()
  const [attemptId, setAttemptId] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [isBlocked, setIsBlocked] = useState(false)
  const done = useRef(onDone)
  done.current = onDone

  const attempt = useQuery({
    ...queryOf('signInAttemptGet', { path: { signInAttemptId: attemptId ?? '' } }),
    enabled: attemptId !== null,
    refetchInterval: ({ state }) => (state.data?.status === 'pending' ? pollMs : false)
  })
  const status = attempt.data?.status
  const finish = useRef(async () => {})
  finish.current = async () => {
    setAttemptId(null)
    setIsBlocked(false)
    await queries.invalidateQueries({ queryKey: ['connectionGet'] })
    await queries.invalidateQueries({ queryKey: ['fabricList'] })
    done.current()
  }
  useEffect(() => {
    if (attemptId !== null && status === 'succeeded') finish.current()
  }, [attemptId, status])
  // Also where the window was opened by a link of its own, or from another tab.
  useEffect(
    () =>
      onSignIn((message) => {
        if (message.status === 'succeeded' && message.fabricId === fabricId) finish.current()
      }),
    [fabricId]
  )

  const start = async () => {
    setError(null)
    const popup = openPopup('')
    setIsBlocked(popup === null)
    if (popup === null) return
    try {
      const input = { path: { fabricId }, body: { display: 'popup' } } as const
      const started = await call('fabricSignIn', input)
      setAttemptId(started.attemptId)
      popup.location.href = started.authorizationUrl
    } catch (err) {
      popup.close()
      setError(err)
    }
  }
  const failed = status === 'failed' || status === 'expired' ? attempt.data : null
  return {
    start,
    error,
    failed,
    isBlocked,
    isWaiting: attemptId !== null && status !== 'failed' && status !== 'expired',
    /** For a link: a full page of its own, which no browser blocks. */
    pageUrl: pathOf(`/sign-in/${fabricId}?display=popup`)
  }
}

interface Props {
  readonly fabricId: string
  readonly onDone: () => void
  readonly title?: string
  readonly children?: ReactNode
}

/** Stands where a call answered `sign_in_needed`; what is around it stays, and goes on by itself afterwards. */
export function SignInPrompt(props: Props) {
  const { fabricId, onDone } = props
  const { data } = useQuery(queryOf('fabricGet', { path: { fabricId } }))
  if (data?.authMethod === 'pat') return <TokenPrompt fabric={data} onDone={onDone} />
  return <OAuthPrompt {...props} />
}

function OAuthPrompt({ fabricId, onDone, title, children }: Props) {
  const { start, error, failed, isBlocked, isWaiting, pageUrl } = useSignIn(fabricId, onDone)
  return (
    <Alert
      variant="light"
      icon={<IconLogin2 aria-hidden />}
      title={title ?? 'Sign in to the workspace'}
    >
      <Stack gap="sm">
        <Text size="sm" component="div">
          {children ??
            'What you ask for runs as you, so the workspace has to know you. This page waits and goes on by itself.'}
        </Text>
        {failed && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {failed.status === 'expired'
              ? 'The sign-in took too long.'
              : (failed.detail ?? 'The workspace did not sign you in.')}
          </Text>
        )}
        {isBlocked && (
          <Text size="sm" role="alert">
            Your browser blocked the window.{' '}
            <Anchor href={pageUrl} target="_blank" rel="opener" inherit>
              Sign in in a new tab
            </Anchor>
          </Text>
        )}
        {error !== null && <ProblemView error={error} />}
        <Group gap="sm">
          <Button size="sm" onClick={start}>
            {isWaiting ? 'Open the window again' : 'Sign in'}
          </Button>
          {isWaiting && (
            <Group gap={8} role="status">
              <Loader size="xs" />
              <Text size="sm" c="dimmed">
                Waiting for the other window …
              </Text>
            </Group>
          )}
        </Group>
      </Stack>
    </Alert>
  )
}
