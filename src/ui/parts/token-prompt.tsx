import { Alert, Anchor, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconKey } from '@tabler/icons-react'
import { formErrors } from '../api/form-errors.ts'
import { useCall } from '../api/queries.ts'
import type { Schemas } from '../generated/operations.ts'
import { ProblemView } from './problem-view.tsx'

interface Props {
  readonly fabric: Schemas['Fabric']
  readonly onDone: () => void
}

/** Stands where a fabric of personal access tokens lacks one's own. */
export function TokenPrompt({ fabric, onDone }: Props) {
  const put = useCall('connectionPutToken', ['connectionGet', 'fabricList'])
  const form = useForm({ initialValues: { token: '', expiresOn: '' } })
  const send = async () => {
    const { token, expiresOn } = form.getValues()
    const expiresAt = expiresOn === '' ? {} : { expiresAt: `${expiresOn}T00:00:00Z` }
    try {
      await put.mutateAsync({
        path: { fabricId: fabric.id },
        body: { token: token.trim(), ...expiresAt }
      })
      onDone()
    } catch (err) {
      form.setErrors(formErrors(err, ['token']))
    }
  }
  return (
    <Alert
      variant="light"
      icon={<IconKey aria-hidden />}
      title="Give your personal access token for this workspace"
    >
      <Stack gap="sm">
        <Text size="sm">
          Make one at{' '}
          <Anchor href={fabric.workspaceUrl} target="_blank" rel="noreferrer" inherit>
            the workspace
          </Anchor>
          , under Settings › Developer › Access tokens. It is checked there, sealed, and never shown
          again.
        </Text>
        <PasswordInput
          label="Token"
          required
          autoComplete="off"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }}
          {...form.getInputProps('token')}
        />
        <TextInput type="date" label="It ends on" maw={220} {...form.getInputProps('expiresOn')} />
        {put.isError && <ProblemView error={put.error} />}
        <Group>
          <Button
            size="sm"
            loading={put.isPending}
            disabled={form.values.token.trim() === ''}
            onClick={send}
          >
            Keep it
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
