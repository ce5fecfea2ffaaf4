import { Select, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useCall } from '../../api/queries.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { ShownOnceDialog } from '../../parts/shown-once.tsx'
import type { Webhook } from './words.ts'

const overlaps = [
  { value: '24', label: 'One day' },
  { value: '168', label: 'One week' },
  { value: '0', label: 'Not at all: the old one is known to others' }
]

/** A new signing secret, while the old one goes on for as long as the receiver needs. */
export function NewSecret({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const rotate = useCall('webhookRotateSecret', ['webhookList'])
  const [hours, setHours] = useState('24')
  const make = (event: FormEvent) => {
    event.preventDefault()
    rotate.mutate({ path: { webhookId: webhook.id }, body: { overlapHours: Number(hours) } })
  }
  return (
    <ShownOnceDialog
      title={`New secret of ${webhook.name}`}
      told={
        rotate.data && {
          title: 'Copy the secret now',
          value: rotate.data.secret,
          label: 'Copy the secret',
          words: 'Give it to the receiver, beside the old one or in its place.'
        }
      }
      onClose={onClose}
    >
      <form onSubmit={make}>
        <Stack>
          <Text size="sm">
            Messages carry both signatures for a while, so the receiver can change over without
            missing one.
          </Text>
          <Select
            label="The old one goes on for"
            data={overlaps}
            value={hours}
            allowDeselect={false}
            onChange={(value) => setHours(value ?? '24')}
          />
          {rotate.isError && <ProblemView error={rotate.error} />}
          <FormButtons action="Make the secret" isPending={rotate.isPending} onCancel={onClose} />
        </Stack>
      </form>
    </ShownOnceDialog>
  )
}
