import { MultiSelect, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { formErrors } from '../../api/form-errors.ts'
import { useCall, useList } from '../../api/queries.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { ShownOnceDialog } from '../../parts/shown-once.tsx'

const roles = [
  { value: 'member', label: 'Member' },
  { value: 'tenant_admin', label: 'Admin of the organisation' }
]

interface Values {
  email: string
  role: 'member' | 'tenant_admin'
  teamIds: string[]
}

export function Invite({ onClose }: { readonly onClose: () => void }) {
  const teams = useList('teamList', {})
  const create = useCall('invitationCreate', ['invitationList'])
  const form = useForm<Values>({
    initialValues: { email: '', role: 'member', teamIds: [] },
    validate: { email: (email) => (email.includes('@') ? null : 'Their email address') }
  })
  const submit = form.onSubmit(({ email, ...rest }) =>
    create.mutate(
      { body: { ...rest, email: email.trim() } },
      { onError: (error) => form.setErrors(formErrors(error, ['email', 'role', 'teamIds'])) }
    )
  )
  return (
    <ShownOnceDialog
      title="Invite somebody"
      told={
        create.data && {
          title: 'Send them this link',
          value: create.data.link,
          label: 'Copy the link',
          words: `Weft sends no mail. Send it to ${create.data.email} yourself; nobody else can use it.`
        }
      }
      onClose={onClose}
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          <TextInput
            label="Email"
            type="email"
            placeholder="ada@example.com"
            maxLength={320}
            data-autofocus
            {...form.getInputProps('email')}
          />
          <Select label="Role" data={roles} allowDeselect={false} {...form.getInputProps('role')} />
          <MultiSelect
            label="Teams"
            description="Whose fabrics they will share. Leave empty for the default team."
            searchable
            data={teams.items
              .filter(({ kind }) => kind === 'shared')
              .map(({ id, name }) => ({ value: id, label: name }))}
            {...form.getInputProps('teamIds')}
          />
          {create.isError && <ProblemView error={create.error} />}
          <FormButtons
            action="Make the invitation"
            isPending={create.isPending}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </ShownOnceDialog>
  )
}
