import { Alert, Button, Checkbox, Group, Modal, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { FormEvent } from 'react'
import { isAllInForm } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import {
  AccountCredentialsFields,
  AccountFields,
  accountRules,
  credentialRules
} from '../../parts/account-credentials.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { tellForm } from '../../parts/saved-form.ts'
import { Steps } from '../../parts/steps.tsx'
import { Time } from '../../parts/time.tsx'
import type { TabProps } from './tab-props.ts'

interface Props extends TabProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onMade: () => void
}

/** Weft makes the federation policy at the account, with an account admin's credentials that it does not keep. */
export function PolicyRegistration({ isOpen, ...rest }: Props) {
  return (
    <Modal opened={isOpen} onClose={rest.onClose} title="Let Weft make the policy" size="lg">
      <RegistrationForm {...rest} />
    </Modal>
  )
}

function RegistrationForm({ fabric, onClose, onMade }: Omit<Props, 'isOpen'>) {
  const register = useCall('federationPolicyRegister', ['federationPolicyGet', 'fabricGet'])
  const form = useForm({
    initialValues: {
      accountHost: '',
      accountId: '',
      clientId: '',
      clientSecret: '',
      withKeys: false
    },
    validate: { ...accountRules, ...credentialRules }
  })
  const submit = form.onSubmit((values) => {
    const texts = { clientId: values.clientId.trim(), accountId: values.accountId.trim() }
    const body = { ...values, ...texts }
    const onError = (error: unknown) => tellForm(form, error)
    register.mutate({ path: { fabricId: fabric.id }, body }, { onError, onSuccess: onMade })
  })
  // The dialog may stand in a form of the page, which is not to be sent with it.
  const submitAlone = (event: FormEvent<HTMLFormElement>) => {
    event.stopPropagation()
    submit(event)
  }
  if (register.data) {
    const { withKeys } = form.values
    return <Made registration={register.data} withKeys={withKeys} onClose={onClose} />
  }
  return (
    <form onSubmit={submitAlone} noValidate>
      <Stack>
        <AccountFields
          accountHost={form.getInputProps('accountHost')}
          accountId={form.getInputProps('accountId')}
        />
        <AccountCredentialsFields
          clientId={form.getInputProps('clientId')}
          clientSecret={form.getInputProps('clientSecret')}
        />
        <Checkbox
          label="Databricks cannot reach Weft"
          description="Then the policy carries Weft’s keys, and has to be made again every month."
          {...form.getInputProps('withKeys', { type: 'checkbox' })}
        />
        {register.isError && !isAllInForm(register.error, Object.keys(form.values)) && (
          <ProblemView error={register.error} />
        )}
        <FormButtons action="Make the policy" isPending={register.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}

const words = {
  account: 'The account let Weft in',
  principal: 'It knows the service principal',
  policy: 'The policy stands there'
}
const outcomes = {
  created: 'Weft made it.',
  updated: 'It was there with other settings; Weft set it right.',
  unchanged: 'It was there already, as it has to be.'
}

interface MadeProps {
  readonly registration: Schemas['FederationPolicyRegistration']
  readonly withKeys: boolean
  readonly onClose: () => void
}

function Made({ registration, withKeys, onClose }: MadeProps) {
  const { clientId, outcome } = registration
  const passed = { status: 'passed' as const }
  return (
    <Stack>
      <Steps
        steps={[
          { ...passed, step: 'account', detail: 'The credentials are forgotten again.' },
          { ...passed, step: 'principal', detail: clientId },
          { ...passed, step: 'policy', detail: outcomes[outcome] }
        ]}
        expected={Object.keys(words)}
        isRunning={false}
        words={words}
      />
      <Alert color="teal" variant="light" role="status" title="The policy is in place">
        Databricks takes a minute or two to learn of it. Then test the connection as the service
        principal.
        {withKeys && (
          <>
            {' '}
            It carries keys: make it again before <Time at={registration.withKeys.goodUntil} />.
          </>
        )}
      </Alert>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  )
}
