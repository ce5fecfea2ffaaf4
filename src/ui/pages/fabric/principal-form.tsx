import { Anchor, Button, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { formErrors } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import { endOfDay } from '../../parts/days.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import type { TabProps } from './tab-props.ts'

interface Props extends TabProps {
  readonly onDone: () => void
}

const needed = (words: string) => (value: string) => (value.trim() === '' ? words : null)

/** Sets a service principal, in place of the one before if there was one. */
export function PrincipalForm({ fabric, onDone }: Props) {
  const update = useCall('fabricUpdate', ['fabricGet', 'fabricList'])
  const form = useForm({
    initialValues: { clientId: '', clientSecret: '', endsOn: '' },
    validate: {
      clientId: needed('The application ID of the service principal'),
      clientSecret: needed('An OAuth secret of the service principal')
    }
  })
  const save = form.onSubmit(({ clientId, clientSecret, endsOn }) => {
    const expiresAt = endOfDay(endsOn)
    const servicePrincipal = {
      clientId: clientId.trim(),
      clientSecret,
      ...(expiresAt && { expiresAt })
    }
    const input = {
      path: { fabricId: fabric.id },
      body: { version: fabric.version, servicePrincipal }
    }
    update.mutate(input, {
      onSuccess: () => {
        toast('The service principal is set')
        onDone()
      },
      onError: (error) => {
        const names = ['servicePrincipal.clientId', 'servicePrincipal.clientSecret']
        for (const [name, message] of Object.entries(formErrors(error, names))) {
          form.setFieldError(name.split('.')[1] ?? name, message)
        }
      }
    })
  })
  return (
    <form onSubmit={save} noValidate>
      <Stack className="card" p="lg" gap="md" maw={640}>
        <Stack gap={4}>
          <Title order={2}>Set a service principal</Title>
          <Text size="sm" c="dimmed">
            In Databricks: Settings › Identity and access › Service principals › the one › Secrets ›
            Generate secret. It must be a member of{' '}
            {fabric.workspaceUrl.replace(/^https?:\/\//, '')}.{' '}
            <Anchor
              href="https://docs.databricks.com/en/dev-tools/auth/oauth-m2m.html"
              target="_blank"
              rel="noreferrer"
              inherit
            >
              Databricks on service principals
            </Anchor>
          </Text>
        </Stack>
        <TextInput
          label="Application ID"
          placeholder="9e9e6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e"
          autoComplete="off"
          spellCheck={false}
          required
          {...form.getInputProps('clientId')}
        />
        <PasswordInput
          label="Secret"
          description="Weft seals it at once and never shows it again."
          autoComplete="off"
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed as secret' }}
          {...form.getInputProps('clientSecret')}
        />
        <TextInput
          label="Ends on"
          description="As Databricks showed it; Weft warns from 30 days before. May be left empty."
          type="date"
          classNames={{ wrapper: 'short-input' }}
          {...form.getInputProps('endsOn')}
        />
        {update.isError && <ProblemView error={update.error} />}
        <Group gap="sm">
          <Button type="submit" loading={update.isPending}>
            Set it
          </Button>
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
