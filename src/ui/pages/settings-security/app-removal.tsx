import { Button, Group, List, Stack, Text } from '@mantine/core'
import { useIsMutating, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queryOf, useCall } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import { useAppSave } from './app-save.ts'
import { type App, appsChanged } from './app-status.tsx'
import { RegistrationRemoval } from './registration-removal.tsx'

interface Props {
  readonly app: App
  readonly onGone: () => void
}

function Consequences({ of: sentences }: { readonly of: readonly string[] }) {
  if (sentences.length === 0) return <>Nobody uses it.</>
  return (
    <List size="sm">
      {sentences.map((sentence) => (
        <List.Item key={sentence}>{sentence}.</List.Item>
      ))}
    </List>
  )
}

/** Disable, enable, delete, here or at the account; each tells first who would notice. */
export function AppRemoval({ app, onGone }: Props) {
  const confirm = useConfirm()
  const path = { appConnectionId: app.id }
  const usage = useQuery(queryOf('appConnectionUsage', { path }))
  const { save, error, isPending } = useAppSave(app)
  const remove = useCall('appConnectionDelete', appsChanged)
  const [isUnregistering, setIsUnregistering] = useState(false)
  // What another part of the page is saving makes this version of it old.
  const isSaving = useIsMutating({ mutationKey: ['appConnectionUpdate'] }) > 0
  const { whatFollows, fabrics = [], signIns = 0 } = usage.data ?? {}
  const disable = async () => {
    const isSure = await confirm({
      title: `Disable “${app.name}”?`,
      text: <Consequences of={whatFollows?.disabled ?? []} />,
      action: 'Disable it',
      isDangerous: true
    })
    if (isSure) await save({ isDisabled: true }).catch(() => undefined) // shown below
  }
  const discard = async () => {
    const isUsed = signIns > 0 || fabrics.length > 0
    const isSure = await confirm({
      title: `Delete “${app.name}”?`,
      text: (
        <Stack gap="xs">
          <Consequences of={whatFollows?.deleted ?? []} />
          {app.registrationId !== null && (
            <Text size="sm">
              What Weft registered at the account stays there: delete the registration first.
            </Text>
          )}
        </Stack>
      ),
      action: 'Delete it',
      isDangerous: true,
      ...(isUsed && { typed: app.name })
    })
    if (!isSure) return
    const query = isUsed ? { endSignIns: 'true' as const } : {}
    // Not by callbacks of `mutate`: the list has forgotten this part by then.
    try {
      await remove.mutateAsync({ path, query })
    } catch {
      return // shown above
    }
    toast(`${app.name} is deleted`)
    onGone()
  }
  return (
    <Stack gap="sm">
      {error && <ProblemView error={error} />}
      {remove.isError && <ProblemView error={remove.error} />}
      {usage.data && (
        <RegistrationRemoval
          app={app}
          usage={usage.data}
          isOpen={isUnregistering}
          onClose={() => setIsUnregistering(false)}
        />
      )}
      <Group justify="flex-end" gap="sm">
        {app.registrationId !== null && (
          <Button
            variant="subtle"
            color="red"
            disabled={!usage.data || isSaving}
            onClick={() => setIsUnregistering(true)}
          >
            Delete the registration
          </Button>
        )}
        {app.isDisabled ? (
          <Button
            variant="default"
            loading={isPending}
            disabled={isSaving}
            onClick={() => save({ isDisabled: false }).catch(() => undefined)}
          >
            Enable it
          </Button>
        ) : (
          app.clientId !== null && (
            <Button variant="default" loading={isPending} disabled={isSaving} onClick={disable}>
              Disable
            </Button>
          )
        )}
        <Button
          variant="subtle"
          color="red"
          disabled={!usage.data || isSaving}
          loading={remove.isPending}
          onClick={discard}
        >
          Delete the application
        </Button>
      </Group>
    </Stack>
  )
}
