import { Input, MultiSelect, SegmentedControl, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { formErrors } from '../../api/form-errors.ts'
import { useCall, useList } from '../../api/queries.ts'
import { inDays } from '../../parts/days.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { ShownOnceDialog } from '../../parts/shown-once.tsx'

interface Props {
  readonly isOpen: boolean
  readonly onClose: () => void
}

interface Values {
  name: string
  days: string
  access: 'query' | 'read'
  fabrics: string[]
}

const lifetimes = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' }
]

/** Makes a personal access token, and shows it this once. */
export function NewToken({ isOpen, onClose }: Props) {
  const create = useCall('personalTokenCreate', ['personalTokenList'])
  const close = () => {
    onClose()
    create.reset()
  }
  return (
    <ShownOnceDialog
      isOpen={isOpen}
      title="New personal access token"
      told={
        create.data && {
          title: 'Copy your token now',
          value: create.data.token,
          label: 'Copy the token',
          words: 'Weft keeps no copy. Put it where your script finds its secrets.'
        }
      }
      onClose={close}
    >
      <Form create={create} onCancel={close} />
    </ShownOnceDialog>
  )
}

interface FormProps {
  readonly create: ReturnType<typeof useCall<'personalTokenCreate'>>
  readonly onCancel: () => void
}

function Form({ create, onCancel }: FormProps) {
  const fabrics = useList('fabricList', {})
  const form = useForm<Values>({
    initialValues: { name: '', days: '30', access: 'query', fabrics: [] },
    validate: { name: (name) => (name.trim() === '' ? 'Say what it is for' : null) }
  })
  const submit = form.onSubmit(({ name, days, access, fabrics: chosen }) => {
    const expiresAt = inDays(Number(days))
    const scope = chosen.length > 0 ? { fabrics: chosen, access } : { access }
    create.mutate(
      { body: { name: name.trim(), expiresAt, scope } },
      { onError: (error) => form.setErrors(formErrors(error, ['name', 'expiresAt'])) }
    )
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="What is it for?"
          placeholder="Nightly report"
          maxLength={120}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Select
          label="It ends after"
          data={lifetimes}
          allowDeselect={false}
          {...form.getInputProps('days')}
          error={form.errors.expiresAt}
        />
        <Stack gap={4}>
          <Input.Label labelElement="div" id="token-access">
            What it may do
          </Input.Label>
          <SegmentedControl
            aria-labelledby="token-access"
            data={[
              { value: 'query', label: 'Query and read' },
              { value: 'read', label: 'Read only' }
            ]}
            {...form.getInputProps('access')}
          />
        </Stack>
        <MultiSelect
          label="Fabrics"
          description="Leave empty for every fabric that you see."
          placeholder={form.values.fabrics.length === 0 ? 'Every fabric' : ''}
          searchable
          data={fabrics.items.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('fabrics')}
        />
        {create.isError && <ProblemView error={create.error} />}
        <FormButtons action="Make the token" isPending={create.isPending} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
