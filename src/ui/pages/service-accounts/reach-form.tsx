import { Modal, NumberInput, Select, Stack, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { queryOf, useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import type { Access, AccountProps } from './account-props.ts'

interface Props extends AccountProps {
  /** What is changed; null: one more. */
  readonly access: Access | null
  readonly fabrics: readonly Schemas['Fabric'][]
  readonly onClose: () => void
}

export function ReachForm({ account, access, fabrics, onClose }: Props) {
  const [fabricId, setFabricId] = useState<string | null>(access?.fabricId ?? null)
  const [endpoints, setEndpoints] = useState(access?.endpoints ?? [])
  const [rate, setRate] = useState<string | number>(access?.requestsPerMinute ?? '')
  const [isAsked, setIsAsked] = useState(false)
  const set = useCall('serviceAccountSetFabrics', ['serviceAccountGet', 'serviceAccountList'])
  const found = useQuery({
    ...queryOf('servingEndpointDiscover', {
      path: { fabricId: fabricId ?? '' },
      query: { as: 'service_principal', limit: 200 }
    }),
    enabled: fabricId !== null
  })
  const choices = fabrics.filter(
    ({ id }) => id === access?.fabricId || !account.fabrics.some((one) => one.fabricId === id)
  )
  const save = (event: FormEvent) => {
    event.preventDefault()
    setIsAsked(true)
    if (fabricId === null) return
    const entry: Access = {
      fabricId,
      ...(endpoints.length > 0 && { endpoints }),
      ...(typeof rate === 'number' && { requestsPerMinute: rate })
    }
    const others = account.fabrics.filter((one) => one.fabricId !== fabricId)
    set.mutate(
      { path: { serviceAccountId: account.id }, body: { fabrics: [...others, entry] } },
      {
        onSuccess: () => {
          toast('It may use the fabric within seconds')
          onClose()
        }
      }
    )
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={access === null ? 'Let it use a fabric' : 'What it may use'}
      size="lg"
    >
      <form onSubmit={save}>
        <Stack>
          <Select
            label="Fabric"
            placeholder="Choose one"
            searchable
            disabled={access !== null}
            data={choices.map(({ id, name }) => ({ value: id, label: name }))}
            value={fabricId}
            onChange={setFabricId}
            error={isAsked && fabricId === null && 'Choose a fabric'}
          />
          <TagsInput
            label="Endpoints"
            description={
              found.isError
                ? `They could not be looked up (${found.error.message}). Type their names, or leave empty for all.`
                : 'Leave empty for every endpoint that the fabric allows.'
            }
            placeholder={endpoints.length === 0 ? 'Every endpoint' : ''}
            data={found.data?.items.map(({ name }) => name) ?? []}
            value={endpoints}
            onChange={setEndpoints}
            acceptValueOnBlur
          />
          <NumberInput
            label="Requests a minute, at most"
            description="Leave empty for no limit of its own."
            placeholder="No limit"
            min={1}
            max={1_000_000}
            allowDecimal={false}
            hideControls
            w={260}
            value={rate}
            onChange={setRate}
          />
          {set.isError && <ProblemView error={set.error} />}
          <FormButtons
            action={access === null ? 'Let it use the fabric' : 'Save'}
            isPending={set.isPending}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Modal>
  )
}
