import { Alert, Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useCall } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { SaveProblem } from '../../parts/conflict.tsx'
import { settle, tellForm, useFollowing } from '../../parts/saved-form.ts'
import { SecretField } from '../../parts/secret-field.tsx'
import { SecretTimes } from '../../parts/secret-times.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
import { useAppSave } from './app-save.ts'
import { type App, appsChanged } from './app-status.tsx'

type ClientSecret = App['clientSecrets'][number]

/** Client ID and client secret; a new secret leaves the one before it as a fallback. */
export function ClientForm({ app }: { readonly app: App }) {
  const { save, error, isPending, reset } = useAppSave(app)
  const current = app.clientSecrets.find(({ state }) => state === 'current') ?? null
  const saved = { clientId: app.clientId ?? '', clientSecret: '' }
  const form = useForm({
    initialValues: saved,
    validate: {
      clientId: (clientId) => (clientId.trim() === '' ? 'Paste the client ID' : null),
      clientSecret: (secret) => (secret === '' && !current ? 'Paste the client secret' : null)
    }
  })
  useFollowing(form, saved)
  const takeSaved = (clientId: string | null) =>
    settle(form, { clientId: clientId ?? '', clientSecret: '' })
  const submit = form.onSubmit(async (values) => {
    const clientId = values.clientId.trim()
    const clientSecret = values.clientSecret.trim()
    try {
      const done = await save({
        ...(clientId !== app.clientId && { clientId }),
        ...(clientSecret !== '' && { clientSecret })
      })
      if (done !== null) takeSaved(done.clientId)
    } catch (err) {
      tellForm(form, err)
    }
  })
  return (
    <form onSubmit={submit}>
      <Stack gap="md" pt={6} maw={560}>
        <TextInput
          label="Client ID"
          autoComplete="off"
          spellCheck={false}
          maxLength={255}
          {...form.getInputProps('clientId')}
        />
        <SecretField
          key={current?.id ?? 'none'}
          label="Client Secret"
          secret={current}
          description={
            current && 'A new one is used at once; the one before stays until you delete it.'
          }
          value={form.values.clientSecret}
          error={form.errors.clientSecret}
          onChange={(value) => form.setFieldValue('clientSecret', value)}
        />
        {app.warnings.map(({ code, message }) => (
          <Alert key={code} color="yellow" variant="light" title="This secret ends">
            {message}.
          </Alert>
        ))}
        {app.clientSecrets
          .filter(({ state }) => state === 'previous')
          .map((secret) => (
            <PreviousSecret key={secret.id} app={app} secret={secret} />
          ))}
        <SaveProblem
          error={error}
          mine={{ clientId: form.values.clientId }}
          theirs={{ clientId: app.clientId ?? '' }}
          labels={{ clientId: 'Client ID' }}
          onOverwrite={() => submit()}
          onTakeTheirs={() => {
            takeSaved(app.clientId)
            reset()
          }}
        />
        {(form.isDirty() || current === null) && (
          <Group>
            <Button type="submit" loading={isPending}>
              Save
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  )
}

function PreviousSecret({ app, secret }: { readonly app: App; readonly secret: ClientSecret }) {
  const confirm = useConfirm()
  const remove = useCall('appConnectionDeleteSecret', appsChanged)
  const ask = async () => {
    const isSure = await confirm({
      title: 'Delete the previous secret?',
      text: secret.isSafeToDelete
        ? 'Databricks takes the current one. Nobody will notice.'
        : 'Databricks has not taken the current secret yet. Verify first, or sign-ins may fail.',
      action: 'Delete the previous secret',
      isDangerous: true
    })
    if (!isSure) return
    const path = { appConnectionId: app.id, clientSecretId: secret.id }
    await remove
      .mutateAsync({ path })
      .then(() => toast('The previous secret is deleted'), toastProblem)
  }
  return (
    <Group justify="space-between" gap="sm" role="group" aria-label="Previous secret">
      <Stack gap={2}>
        <Group gap={8}>
          <Text size="sm">
            Previous <span className="mono">{secret.hint}</span>
          </Text>
          <Badge
            variant="light"
            size="sm"
            radius="sm"
            color={secret.isSafeToDelete ? 'teal' : 'yellow'}
          >
            {secret.isSafeToDelete ? 'Safe to delete' : 'Still a fallback'}
          </Badge>
        </Group>
        <SecretTimes of={secret} />
      </Stack>
      <Button
        size="compact-sm"
        variant="subtle"
        color="red"
        loading={remove.isPending}
        onClick={ask}
      >
        Delete
      </Button>
    </Group>
  )
}
