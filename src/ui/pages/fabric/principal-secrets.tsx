import { Badge, Button, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { endOfDay } from '../../parts/days.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { SecretTimes } from '../../parts/secret-times.tsx'
import { toast } from '../../parts/toast.ts'
import type { TabProps } from './tab-props.ts'

type Principal = NonNullable<Schemas['Fabric']['servicePrincipal']>
type Secret = Principal['clientSecrets'][number]

interface Props extends TabProps {
  readonly isAdmin: boolean
  readonly principal: Principal
}

/** The secrets that are tried, newest first, and replacing one without a failed call. */
export function PrincipalSecrets({ fabric, isAdmin, principal }: Props) {
  const confirm = useConfirm()
  const [isAdding, setIsAdding] = useState(false)
  const remove = useCall('servicePrincipalDeleteSecret', ['fabricGet'])
  const { clientSecrets } = principal
  const drop = async ({ id, hint, isSafeToDelete }: Secret) => {
    const isSure = await confirm({
      title: `Delete the secret ${hint}?`,
      text: isSafeToDelete
        ? 'The workspace takes the newer one, and this one was not needed since. Delete it at Databricks too.'
        : 'The workspace has not taken the newer one yet. Without this one, calls may fail.',
      action: 'Delete it',
      isDangerous: true
    })
    if (isSure) remove.mutate({ path: { fabricId: fabric.id, clientSecretId: id } })
  }
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Stack gap={2}>
          <Title order={2}>Secrets</Title>
          <Text size="sm" c="dimmed">
            A new secret is used at once; the one before is tried where the workspace refuses it, so
            no call fails in between.
          </Text>
        </Stack>
        {isAdmin && !isAdding && (
          <Button size="xs" variant="light" onClick={() => setIsAdding(true)}>
            Add a secret
          </Button>
        )}
      </Group>
      {clientSecrets.length === 0 && (
        <Text size="sm">None: it proves itself by a federation policy.</Text>
      )}
      <Stack gap={0} component="ul" className="plain-list">
        {clientSecrets.map((secret) => (
          <Group key={secret.id} component="li" justify="space-between" py={10} className="row">
            <Group gap="sm">
              <Text span className="mono">
                {secret.hint}
              </Text>
              <Badge
                size="sm"
                radius="sm"
                variant="light"
                color={secret.state === 'current' ? 'teal' : 'gray'}
              >
                {secret.state === 'current' ? 'Current' : 'Previous'}
              </Badge>
              <SecretTimes of={secret} />
              {secret.state === 'previous' && secret.isSafeToDelete && (
                <Text size="xs">Safe to delete</Text>
              )}
            </Group>
            {isAdmin && clientSecrets.length > 1 && (
              <Button
                size="compact-sm"
                variant="subtle"
                color="red"
                aria-label={`Delete the secret ${secret.hint}`}
                onClick={() => drop(secret)}
              >
                Delete
              </Button>
            )}
          </Group>
        ))}
      </Stack>
      {remove.isError && <ProblemView error={remove.error} />}
      {isAdding && <AddSecret fabric={fabric} onDone={() => setIsAdding(false)} />}
    </Stack>
  )
}

function AddSecret({ fabric, onDone }: TabProps & { readonly onDone: () => void }) {
  const add = useCall('servicePrincipalAddSecret', ['fabricGet'])
  const form = useForm({
    initialValues: { clientSecret: '', endsOn: '' },
    validate: {
      clientSecret: (value) => (value === '' ? 'The secret that Databricks showed' : null)
    }
  })
  const save = form.onSubmit(({ clientSecret, endsOn }) => {
    const expiresAt = endOfDay(endsOn)
    const body = { clientSecret, ...(expiresAt && { expiresAt }) }
    add.mutate(
      { path: { fabricId: fabric.id }, body },
      {
        onSuccess: () => {
          toast('The new secret is in use')
          onDone()
        }
      }
    )
  })
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="sm" maw={520}>
        <PasswordInput
          label="New secret"
          description="Generate another one at Databricks; a service principal may have five."
          autoComplete="off"
          required
          data-autofocus
          visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed as new secret' }}
          {...form.getInputProps('clientSecret')}
        />
        <TextInput label="Ends on" type="date" w={220} {...form.getInputProps('endsOn')} />
        {add.isError && <ProblemView error={add.error} />}
        <Group gap="sm">
          <Button type="submit" size="sm" loading={add.isPending}>
            Add it
          </Button>
          <Button size="sm" variant="default" onClick={onDone}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
