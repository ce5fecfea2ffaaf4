import { Button, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { formErrors } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import { endOfDay } from '../../parts/days.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import type { TabProps } from './tab-props.ts'

interface Props extends TabProps {
  readonly isHeld: boolean
}

/** Where people prove who they are by a personal access token of the workspace: one's own, given or replaced. */
export function OwnToken({ fabric, isHeld }: Props) {
  const put = useCall('connectionPutToken', ['connectionGet', 'fabricList'])
  const form = useForm({
    initialValues: { token: '', endsOn: '' },
    validate: {
      token: (value) => (value.trim() === '' ? 'A token that you made at the workspace' : null)
    }
  })
  const save = form.onSubmit(({ token, endsOn }) => {
    const expiresAt = endOfDay(endsOn)
    const body = { token: token.trim(), ...(expiresAt && { expiresAt }) }
    put.mutate(
      { path: { fabricId: fabric.id }, body },
      {
        onSuccess: () => {
          form.reset()
          toast('The workspace took the token')
        },
        onError: (error) => form.setErrors(formErrors(error, ['token']))
      }
    )
  })
  return (
    <form onSubmit={save} noValidate>
      <Stack className="card" p="lg" gap="md">
        <Stack gap={2}>
          <Title order={2}>{isHeld ? 'Replace your token' : 'Give your own token'}</Title>
          <Text size="sm" c="dimmed" maw={640}>
            This fabric knows people by a personal access token. Make one at{' '}
            {fabric.workspaceUrl.replace(/^https?:\/\//, '')}: Settings › Developer › Access tokens.
            Weft asks the workspace whose it is, seals it, and never shows it again.
          </Text>
        </Stack>
        <PasswordInput
          label="Personal access token"
          placeholder="dapi…"
          autoComplete="off"
          maw={520}
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed as token' }}
          {...form.getInputProps('token')}
        />
        <TextInput label="Ends on" type="date" w={220} {...form.getInputProps('endsOn')} />
        {put.isError && <ProblemView error={put.error} />}
        <Group>
          <Button type="submit" loading={put.isPending}>
            {isHeld ? 'Replace it' : 'Give it'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
