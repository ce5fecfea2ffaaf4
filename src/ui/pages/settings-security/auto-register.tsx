import { Modal, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { isAllInForm } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import {
  AccountCredentialsFields,
  AccountFields,
  accountRules,
  credentialRules
} from '../../parts/account-credentials.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { tellForm } from '../../parts/saved-form.ts'
import { toast } from '../../parts/toast.ts'
import { type App, appsChanged } from './app-status.tsx'

interface Props {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onDone: (app: App) => void
  readonly name: string
  /** A draft that is to be completed; none: a new app connection. */
  readonly appConnectionId?: string
}

/** Weft makes its own OAuth client at the account. */
export function AutoRegister({ isOpen, onClose, ...rest }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Let Weft register itself" size="lg">
      <RegisterForm onClose={onClose} {...rest} />
    </Modal>
  )
}

function RegisterForm({ onClose, onDone, name, appConnectionId }: Omit<Props, 'isOpen'>) {
  const register = useCall('appConnectionRegister', appsChanged)
  const form = useForm({
    initialValues: { name, accountHost: '', accountId: '', clientId: '', clientSecret: '' },
    validate: {
      name: (text) => (text.trim() === '' ? 'Give it a name' : null),
      ...accountRules,
      ...credentialRules
    }
  })
  const submit = form.onSubmit(async (values) => {
    const draft = appConnectionId === undefined ? {} : { appConnectionId }
    const body = { ...values, accountId: values.accountId.trim(), ...draft }
    try {
      onDone(await register.mutateAsync({ body }))
    } catch (error) {
      tellForm(form, error)
      return
    }
    toast('Weft is registered in your Databricks account')
    onClose()
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label="Name" maxLength={120} {...form.getInputProps('name')} />
        <AccountFields
          accountHost={form.getInputProps('accountHost')}
          accountId={form.getInputProps('accountId')}
        />
        <AccountCredentialsFields
          clientId={form.getInputProps('clientId')}
          clientSecret={form.getInputProps('clientSecret')}
        />
        {register.isError && !isAllInForm(register.error, Object.keys(form.values)) && (
          <ProblemView error={register.error} />
        )}
        <FormButtons action="Register" isPending={register.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}
