import { Button, Drawer, Group, Stack, Text } from '@mantine/core'
import { useCall, useList } from '../../api/queries.ts'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing } from '../../parts/section.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { Time } from '../../parts/time.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
import { type Delivery, errorWords, type Webhook } from './words.ts'

interface Props {
  readonly webhook: Webhook
  readonly onClose: () => void
}

/** The newest tries, what came of each, and a way to send one again. */
export function Deliveries({ webhook, onClose }: Props) {
  const list = useList('webhookListDeliveries', { path: { webhookId: webhook.id } })
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={`Deliveries of ${webhook.name}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {list.isPending && <Loading of="deliveries" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && list.items.length === 0 && (
        <Nothing>Nothing was sent yet. Send a test to see how it goes.</Nothing>
      )}
      <ul className="plain-list" aria-label="Deliveries">
        {list.items.map((delivery) => (
          <DeliveryRow key={delivery.id} webhook={webhook} delivery={delivery} />
        ))}
      </ul>
      <ShowMore of={list} />
    </Drawer>
  )
}

const kinds = { event: null, redelivery: 'sent again', test: 'a test' } as const

function DeliveryRow({ webhook, delivery }: { webhook: Webhook; delivery: Delivery }) {
  const again = useCall('webhookRedeliver', ['webhookListDeliveries'])
  const { error, status, attempt, kind, messageId } = delivery
  const send = () =>
    again.mutate(
      { path: { webhookId: webhook.id }, body: { eventId: messageId } },
      {
        onSuccess: (answer) =>
          toast(answer.error === null ? 'It was taken' : 'It was not taken again'),
        onError: toastProblem
      }
    )
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Text size="sm" className="mono" truncate>
          {delivery.type}
        </Text>
        <Text size="xs" c="dimmed">
          <Time at={delivery.at} />
          {attempt > 1 && `, try ${attempt}`}
          {kinds[kind] !== null && `, ${kinds[kind]}`}
        </Text>
      </Stack>
      <Group gap={8} wrap="nowrap">
        <span className="dot" data-color={error === null ? 'teal' : 'red'} aria-hidden />
        <Text size="sm">
          {error === null ? `Taken (${status})` : errorWords(error, status)}
          <Text span inherit c="dimmed">{`, ${delivery.durationMs} ms`}</Text>
        </Text>
      </Group>
      {kind === 'test' ? (
        <span />
      ) : (
        <Button
          variant="subtle"
          size="xs"
          loading={again.isPending}
          aria-label={`Send again: ${delivery.type}`}
          onClick={send}
        >
          Send again
        </Button>
      )}
    </li>
  )
}
