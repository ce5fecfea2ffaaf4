import { Alert, Button, Group, Modal, Stack, Table, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { isAllInForm } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { AccountCredentialsFields, credentialRules } from '../../parts/account-credentials.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { tellForm } from '../../parts/saved-form.ts'
import { toast } from '../../parts/toast.ts'
import type { App } from './app-status.tsx'

type Registration = Schemas['Registration']

const members: Readonly<Record<Registration['differences'][number]['member'], string>> = {
  redirectUrls: 'Redirect URLs',
  scopes: 'Scopes',
  refreshTokenTtlMinutes: 'Life of refresh tokens, minutes',
  absoluteSessionLifetimeMinutes: 'Longest session, minutes',
  hasSingleUseRefreshTokens: 'Single-use refresh tokens'
}

interface Props {
  readonly app: App
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Compares what is registered at the account with what Weft needs, and sets it right. */
export function RegistrationCheck({ app, isOpen, onClose }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Check the registration" size="lg">
      <CheckForm app={app} />
    </Modal>
  )
}

function CheckForm({ app }: { readonly app: App }) {
  const check = useCall('appConnectionCheckRegistration')
  const mend = useCall('appConnectionMendRegistration')
  const form = useForm({
    initialValues: { clientId: '', clientSecret: '' },
    validate: credentialRules
  })
  const path = { appConnectionId: app.id }
  const onError = (error: unknown) => tellForm(form, error)
  const submit = form.onSubmit((body) => {
    mend.reset()
    check.mutate({ path, body }, { onError })
  })
  const setRight = () =>
    mend.mutate(
      { path, body: form.values },
      { onSuccess: () => toast('The registration is set right'), onError }
    )
  const found = mend.data ?? check.data
  const error = mend.error ?? check.error
  return (
    <form onSubmit={submit}>
      <Stack>
        <AccountCredentialsFields
          clientId={form.getInputProps('clientId')}
          clientSecret={form.getInputProps('clientSecret')}
        />
        {error && !isAllInForm(error, Object.keys(form.values)) && <ProblemView error={error} />}
        {found && <Found registration={found} />}
        <Group justify="flex-end" gap="sm">
          <Button
            type="submit"
            variant={found?.status === 'drifted' ? 'default' : 'filled'}
            loading={check.isPending}
          >
            {found ? 'Check again' : 'Check'}
          </Button>
          {found?.status === 'drifted' && (
            <Button onClick={setRight} loading={mend.isPending}>
              Set it right
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}

const listed = (values: readonly string[]) => values.join(', ') || '–'

function Found({ registration: { status, differences } }: { readonly registration: Registration }) {
  if (status === 'in_step') {
    return (
      <Alert color="teal" variant="light" role="status" title="All is as Weft needs it">
        Nothing is left to do.
      </Alert>
    )
  }
  if (status === 'gone') {
    return (
      <Alert
        color="red"
        variant="light"
        role="status"
        title="The account does not know it any more"
      >
        Somebody deleted the connection there. Register Weft anew.
      </Alert>
    )
  }
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500} role="status">
        Registered otherwise than Weft needs it
      </Text>
      <Table.ScrollContainer
        minWidth={280}
        scrollAreaProps={{
          viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Differences' }
        }}
      >
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Setting</Table.Th>
              <Table.Th>There</Table.Th>
              <Table.Th>Needed</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {differences.map(({ member, needed, registered }) => (
              <Table.Tr key={member}>
                <Table.Td>{members[member]}</Table.Td>
                <Table.Td>{listed(registered)}</Table.Td>
                <Table.Td>{listed(needed)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  )
}
