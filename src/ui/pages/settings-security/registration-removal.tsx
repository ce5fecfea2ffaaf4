import { Alert, List, Modal, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { isAllInForm } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { AccountCredentialsFields, credentialRules } from '../../parts/account-credentials.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { tellForm } from '../../parts/saved-form.ts'
import { toast } from '../../parts/toast.ts'
import { type App, appsChanged } from './app-status.tsx'

interface Props {
  readonly app: App
  readonly usage: Schemas['AppConnectionUsage']
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Deletes at the account what Weft registered there. */
export function RegistrationRemoval({ isOpen, onClose, ...rest }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Delete the registration" size="lg">
      <RemovalForm onClose={onClose} {...rest} />
    </Modal>
  )
}

const namesMax = 5

function namesOf(fabrics: Props['usage']['fabrics']): string {
  const names = fabrics.slice(0, namesMax).map(({ name }) => name)
  const more = fabrics.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ')
}

function RemovalForm({ app, usage, onClose }: Omit<Props, 'isOpen'>) {
  const remove = useCall('appConnectionDeleteRegistration', appsChanged)
  const { fabrics, signIns } = usage
  const isUsed = fabrics.length > 0 || signIns > 0
  const form = useForm({
    initialValues: { clientId: '', clientSecret: '', typed: '' },
    validate: credentialRules
  })
  const submit = form.onSubmit(async ({ clientId, clientSecret }) => {
    const body = { clientId: clientId.trim(), clientSecret }
    try {
      await remove.mutateAsync({ path: { appConnectionId: app.id }, body })
    } catch (error) {
      tellForm(form, error)
      return
    }
    toast('The account does not know Weft by it any more')
    onClose()
  })
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Alert color="red" variant="light" title="What stops working, at once and for everybody">
          <List size="sm">
            {fabrics.length > 0 && (
              <List.Item>
                Nobody signs in or calls as themself through {namesOf(fabrics)}.
              </List.Item>
            )}
            {signIns > 0 && (
              <List.Item>
                {signIns === 1 ? 'One sign-in ends' : `${signIns} sign-ins end`}, and cannot be
                brought back: people sign in anew.
              </List.Item>
            )}
            <List.Item>
              The client ID and the secret are gone, here and at Databricks. This application has to
              be registered anew.
            </List.Item>
            <List.Item>Work as a service principal goes on.</List.Item>
          </List>
        </Alert>
        <AccountCredentialsFields
          clientId={form.getInputProps('clientId')}
          clientSecret={form.getInputProps('clientSecret')}
        />
        {isUsed && (
          <TextInput label={`Type ${app.name} to go on`} {...form.getInputProps('typed')} />
        )}
        {remove.isError && !isAllInForm(remove.error, Object.keys(form.values)) && (
          <ProblemView error={remove.error} />
        )}
        <FormButtons
          action="Delete the registration"
          isPending={remove.isPending}
          isDangerous
          isDisabled={isUsed && form.values.typed !== app.name}
          onCancel={onClose}
        />
      </Stack>
    </form>
  )
}
