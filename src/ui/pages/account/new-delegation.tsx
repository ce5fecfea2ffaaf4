import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useCall } from '../../api/queries.ts'
import { inDays } from '../../parts/days.ts'
import { Facts } from '../../parts/facts.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'

interface Props {
  readonly serviceAccountId: string
  readonly fabricId: string
  readonly fabricName: string
}

const lifetimes = [
  { value: '1', label: 'A day' },
  { value: '30', label: '30 days' },
  { value: '365', label: 'A year' }
]

/** Asks whether a service may act as oneself, when its link led here. */
export function NewDelegation({ serviceAccountId, fabricId, fabricName }: Props) {
  const navigate = useNavigate()
  const [days, setDays] = useState('30')
  const create = useCall('delegationCreate', ['delegationList'])
  const close = () => navigate({ to: '/account', search: {}, replace: true })
  const allow = () => {
    const expiresAt = inDays(Number(days))
    create.mutate(
      { body: { serviceAccountId, fabricId, expiresAt } },
      {
        onSuccess: () => {
          toast('It may act as you now')
          void close()
        }
      }
    )
  }
  return (
    <Modal opened onClose={close} title="May this service act as you?" size="lg">
      <Stack>
        <Text size="sm">
          What it asks of Databricks through this fabric runs as you, with your own permissions, and
          is on record as done for you. You can end it here at any time.
        </Text>
        <Facts
          facts={[
            [
              'Service account',
              <span key="id" className="mono">
                {serviceAccountId}
              </span>
            ],
            ['Fabric', fabricName]
          ]}
        />
        <Select
          label="For how long"
          data-autofocus
          data={lifetimes}
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? '30')}
        />
        {create.isError && <ProblemView error={create.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={close}>
            No
          </Button>
          <Button loading={create.isPending} onClick={allow}>
            Let it act as me
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
