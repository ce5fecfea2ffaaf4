import { Alert, Button, Group, Menu, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useCall } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Time } from '../../parts/time.tsx'
import { tell } from '../../parts/toast.ts'
import { Deliveries } from './deliveries.tsx'
import { NewSecret } from './new-secret.tsx'
import { ToldOff } from './told-off.tsx'
import { errorWords, eventsWords, markOf, type Webhook } from './words.ts'

interface Props {
  readonly webhook: Webhook
  readonly onChange: () => void
}

/** One webhook: where it goes, how it is, and what can be done with it. */
export function WebhookRow({ webhook, onChange }: Props) {
  const confirm = useConfirm()
  const [shown, setShown] = useState<'deliveries' | 'secret' | null>(null)
  const path = { webhookId: webhook.id }
  const { name, status } = webhook
  const send = useCall('webhookTest', ['webhookListDeliveries'])
  const pause = useCall('webhookPause', ['webhookList'])
  const remove = useCall('webhookDelete', ['webhookList'])
  const [color, words] = markOf(webhook)
  const isAtRest = status === 'paused' || status === 'disabled'
  const drop = async () => {
    const isSure = await confirm({
      title: `Delete “${name}”?`,
      text: 'Its receiver hears nothing more, and its secret ends.',
      action: 'Delete the webhook',
      isDangerous: true
    })
    if (isSure) await tell(remove.mutateAsync({ path }), `${name} is deleted`)
  }
  const stop = () => tell(pause.mutateAsync({ path }), `${name} is paused`)
  return (
    <li>
      <div className="section-row">
        <Stack gap={0}>
          <Text size="sm" fw={500}>
            {name}
          </Text>
          <Text size="xs" c="dimmed" className="mono" truncate title={webhook.url}>
            {webhook.url}
          </Text>
        </Stack>
        <Stack gap={2}>
          <Group gap={8} wrap="nowrap">
            <span className="dot" data-color={color} aria-hidden />
            <Text size="sm">{words}</Text>
          </Group>
          <Text size="xs" c="dimmed">
            {eventsWords(webhook.events)} · last told{' '}
            <Time at={webhook.lastDeliveredAt} none="nothing yet" />
          </Text>
        </Stack>
        <Group gap={4} wrap="nowrap">
          <Button
            variant="default"
            size="xs"
            loading={send.isPending}
            aria-label={`Test ${name}`}
            onClick={() => send.mutate({ path })}
          >
            Test
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="subtle" size="xs" aria-label={`More about ${name}`}>
                More
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setShown('deliveries')}>Deliveries</Menu.Item>
              <Menu.Item onClick={onChange}>Change</Menu.Item>
              <Menu.Item onClick={() => setShown('secret')}>New secret</Menu.Item>
              {!isAtRest && <Menu.Item onClick={stop}>Pause</Menu.Item>}
              <Menu.Item color="red" onClick={drop}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </div>
      <Stack gap="sm" px="lg" pb={status !== 'active' || send.data || send.error ? 'md' : 0}>
        {send.error && <ProblemView error={send.error} />}
        {send.data && <TestResult data={send.data} onClose={() => send.reset()} />}
        {status !== 'active' && <ToldOff webhook={webhook} />}
      </Stack>
      {shown === 'deliveries' && <Deliveries webhook={webhook} onClose={() => setShown(null)} />}
      {shown === 'secret' && <NewSecret webhook={webhook} onClose={() => setShown(null)} />}
    </li>
  )
}

interface TestResultProps {
  readonly data: {
    readonly error: string | null
    readonly status: number | null
    readonly durationMs: number
  }
  readonly onClose: () => void
}

function TestResult({ data: { error, status, durationMs }, onClose }: TestResultProps) {
  const isTaken = error === null
  return (
    <Alert
      color={isTaken ? 'teal' : 'red'}
      variant="light"
      role={isTaken ? 'status' : 'alert'}
      withCloseButton
      closeButtonLabel="Close"
      onClose={onClose}
      title={isTaken ? 'The test was taken' : 'The test was not taken'}
    >
      {isTaken ? `It answered ${status} in ${durationMs} ms.` : `${errorWords(error, status)}.`}
    </Alert>
  )
}
