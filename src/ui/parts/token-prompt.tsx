import { Alert, Anchor, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconKey } from '@tabler/icons-react'
import { formErrors, isAllInForm } from '../api/form-errors.ts'
import { useCall } from '../api/queries.ts'
import type { Schemas } from '../generated/operations.ts'
import { endOfDay } from './days.ts'
import { ProblemView } from './problem-view.tsx'

interface Props {
  readonly fabric: Schemas['Fabric']
  readonly onDone: () => void
}

/** Stands where a fabric of personal access tokens lacks one's own. */
export function TokenPrompt({ fabric, onDone }: Props) {
  return (
    <Alert
      variant="light"
      icon={<IconKey aria-hidden />}
      title="Give your personal access token for this workspace"
    >
      <TokenForm fabric={fabric} action="Give it" onDone={onDone} />
    </Alert>
  )
}

interface FormProps extends Props {
  /** The verb: `Replace it`. */
  readonly action: string
}

/** One's own personal access token of a fabric's workspace, given or replaced. */
export function TokenForm({ fabric, action, onDone }: FormProps) {
  const put = useCall('connectionPutToken', ['connectionGet', 'fabricList'])
  const form = useForm({
    initialValues: { token: '', endsOn: '' },
    validate: {
      token: (value) => (value.trim() === '' ? 'A token that you made at the workspace' : null)
    }
  })
  const send = form.onSubmit(async ({ token, endsOn }) => {
    const expiresAt = endOfDay(endsOn)
    const body = { token: token.trim(), ...(expiresAt && { expiresAt }) }
    try {
      await put.mutateAsync({ path: { fabricId: fabric.id }, body })
      form.reset()
      onDone()
    } catch (err) {
      form.setErrors(formErrors(err, ['token']))
    }
  })
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="md">
        <Text size="sm" maw={640}>
          This fabric knows people by a personal access token. Make one at{' '}
          <Anchor href={fabric.workspaceUrl} target="_blank" rel="noreferrer" inherit>
            {fabric.workspaceUrl.replace(/^https?:\/\//, '')}
          </Anchor>
          : Settings › Developer › Access tokens. Weft asks the workspace whose it is, seals it, and
          never shows it again.
        </Text>
        <PasswordInput
          label="Personal access token"
          placeholder="dapi…"
          autoComplete="off"
          maw={520}
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed as token' }}
          {...form.getInputProps('token')}
        />
        <TextInput label="Ends on" type="date" maw={220} {...form.getInputProps('endsOn')} />
        {put.isError && !isAllInForm(put.error, ['token']) && <ProblemView error={put.error} />}
        <Group>
          <Button type="submit" size="sm" loading={put.isPending}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
