import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useCall } from '../../api/queries.ts'
import { Time } from '../../parts/time.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
import { errorWords, type Webhook } from './words.ts'

const titles: Readonly<Record<string, string>> = {
  by_admin: 'Paused by an admin',
  failed_too_long: 'Paused: nothing was taken for three days',
  gone: 'Stopped: the receiver said that it is gone for good'
}

/** A webhook that is not told anything now: why, what waits, and how it goes on. */
export function ToldOff({ webhook }: { readonly webhook: Webhook }) {
  const resume = useCall('webhookResume', ['webhookList'])
  const { status, cause, behind, lastError, nextTryAt } = webhook
  const isFailing = status === 'failing'
  const go = (skipMissed: boolean) =>
    resume.mutate(
      { path: { webhookId: webhook.id }, body: { skipMissed } },
      {
        onSuccess: () => toast(isFailing ? 'It is tried again now' : `${webhook.name} goes on`),
        onError: toastProblem
      }
    )
  return (
    <Alert
      color={isFailing ? 'orange' : 'gray'}
      variant="light"
      title={isFailing ? 'The last try was not taken' : titles[cause ?? 'by_admin']}
    >
      <Stack gap="sm">
        <Text size="sm">
          {lastError !== null && `${errorWords(lastError, null)}. `}
          {isFailing ? (
            <>
              Weft tries again <Time at={nextTryAt} none="soon" />. Nothing is left out meanwhile.
            </>
          ) : (
            behind > 0 &&
            `${behind} ${behind === 1 ? 'event waits' : 'events wait'} to be looked at.`
          )}
        </Text>
        <Group gap="sm">
          <Button size="xs" variant="default" loading={resume.isPending} onClick={() => go(false)}>
            {isFailing ? 'Try now' : 'Go on'}
          </Button>
          {!isFailing && behind > 0 && (
            <Button size="xs" variant="subtle" onClick={() => go(true)}>
              Go on without what was missed
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  )
}
