import { Modal, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { formErrors } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'

interface Props {
  readonly isOpen: boolean
  readonly onClose: () => void
}

const names = ['name', 'slug', 'firstAdminEmail'] as const

/** Adds an organisation, and says who becomes its first admin. */
export function NewTenant({ isOpen, onClose }: Props) {
  const create = useCall('tenantCreate', ['tenantList'])
  const form = useForm({
    initialValues: { name: '', slug: '', firstAdminEmail: '' },
    validate: {
      name: (name) => (name.trim() === '' ? 'How people call it' : null),
      slug: (slug) => (slug.trim() === '' ? 'Short, as it stands in addresses' : null)
    }
  })
  const close = () => {
    onClose()
    create.reset()
    form.reset()
  }
  const submit = form.onSubmit(({ name, slug, firstAdminEmail }) => {
    const email = firstAdminEmail.trim()
    const body = { name: name.trim(), slug: slug.trim(), ...(email && { firstAdminEmail: email }) }
    create.mutate(
      { body },
      {
        onSuccess: () => {
          toast(`${body.name} is there`)
          close()
        },
        onError: (error) => form.setErrors(formErrors(error, names))
      }
    )
  })
  return (
    <Modal opened={isOpen} onClose={close} title="Add an organisation" size="lg">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            placeholder="Acme"
            maxLength={120}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <TextInput
            label="Slug"
            description="Lower-case letters, digits and hyphens. It stands in addresses and does not change."
            placeholder="acme"
            maxLength={40}
            {...form.getInputProps('slug')}
          />
          <TextInput
            label="First admin's email"
            description="They become its admin when they first log in, once their identity provider has verified the address."
            placeholder="ada@acme.example"
            type="email"
            maxLength={254}
            {...form.getInputProps('firstAdminEmail')}
          />
          {create.isError && <ProblemView error={create.error} />}
          <FormButtons action="Add it" isPending={create.isPending} onCancel={close} />
        </Stack>
      </form>
    </Modal>
  )
}
