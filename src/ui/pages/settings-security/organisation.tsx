import { Button, Group, NumberInput, Stack, Switch } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { formErrors } from '../../api/form-errors.ts'
import { pathOf } from '../../api/prefix.ts'
import { isCode } from '../../api/problem.ts'
import { queryOf, useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { SaveProblem } from '../../parts/conflict.tsx'
import { MinutesInput } from '../../parts/minutes-input.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { settle, useFollowing } from '../../parts/saved-form.ts'
import { Section } from '../../parts/section.tsx'
import { toast } from '../../parts/toast.ts'

type Settings = Schemas['TenantSettings']
type Values = Omit<Settings, 'version'>

const valuesOf = ({ version: _, ...values }: Settings): Values => values

const labels: Record<keyof Values, string> = {
  sessionIdleMinutes: 'A session ends when unused for',
  sessionMaxMinutes: 'A session ends at the latest after',
  personalTokensAllowed: 'People may make personal access tokens',
  personalTokenMaxDays: 'A personal access token ends at the latest after',
  delegationsAllowed: 'People may let service accounts act as them'
}

/** What holds for everyone's sessions, tokens and delegations; and the end of all sessions at once. */
export function Organisation() {
  const settings = useQuery(queryOf('tenantSettingsGet', {}))
  if (settings.isError) {
    return <ProblemView error={settings.error} onRetry={() => settings.refetch()} />
  }
  if (!settings.data) return <Loading of="the settings" />
  return (
    <Stack gap="lg">
      <Section
        title="Sessions and tokens"
        description="Shorter limits count for sessions that live already."
      >
        <SettingsForm settings={settings.data} />
      </Section>
      <EveryoneOut />
    </Stack>
  )
}

function SettingsForm({ settings }: { readonly settings: Settings }) {
  const queries = useQueryClient()
  const update = useCall('tenantSettingsUpdate', ['tenantSettingsGet'])
  const form = useForm<Values>({ initialValues: valuesOf(settings) })
  useFollowing(form, valuesOf(settings))
  const submit = form.onSubmit((values) =>
    update.mutate(
      { body: { ...values, version: settings.version } },
      {
        onSuccess: (saved) => {
          settle(form, valuesOf(saved))
          toast('Saved. It holds at once')
        },
        onError: (error) => {
          form.setErrors(formErrors(error, Object.keys(values)))
          if (isCode(error, 'version_conflict')) {
            void queries.invalidateQueries({ queryKey: ['tenantSettingsGet'] })
          }
        }
      }
    )
  )
  const { personalTokensAllowed } = form.values
  return (
    <form onSubmit={submit}>
      <Stack gap="md" px="lg" pb="lg" maw={480}>
        <MinutesInput
          label={labels.sessionIdleMinutes}
          min={5}
          max={43_200}
          {...form.getInputProps('sessionIdleMinutes')}
        />
        <MinutesInput
          label={labels.sessionMaxMinutes}
          min={15}
          max={43_200}
          {...form.getInputProps('sessionMaxMinutes')}
        />
        <Switch
          label={labels.personalTokensAllowed}
          description="Where they may not, tokens that exist are refused too."
          {...form.getInputProps('personalTokensAllowed', { type: 'checkbox' })}
        />
        <NumberInput
          label={labels.personalTokenMaxDays}
          suffix=" days"
          min={1}
          max={366}
          allowDecimal={false}
          hideControls
          disabled={!personalTokensAllowed}
          {...form.getInputProps('personalTokenMaxDays')}
        />
        <Switch
          label={labels.delegationsAllowed}
          description="Each person decides for one service account and one fabric, and it ends."
          {...form.getInputProps('delegationsAllowed', { type: 'checkbox' })}
        />
        <SaveProblem
          error={update.error}
          mine={form.values}
          theirs={valuesOf(settings)}
          labels={labels}
          onOverwrite={() => submit()}
          onTakeTheirs={() => {
            settle(form, valuesOf(settings))
            update.reset()
          }}
        />
        <Group>
          <Button type="submit" loading={update.isPending} disabled={!form.isDirty()}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function EveryoneOut() {
  const confirm = useConfirm()
  const end = useCall('sessionEndAll')
  const ask = async () => {
    const isSure = await confirm({
      title: 'Sign everyone out of Weft?',
      text: 'Everyone in your organisation has to log in again, you too. Service accounts and sign-ins at Databricks go on.',
      action: 'Sign everyone out',
      isDangerous: true
    })
    if (isSure) end.mutate({}, { onSuccess: () => location.assign(pathOf('/console')) })
  }
  return (
    <Section
      title="Sign everyone out"
      description="Ends every session of your organisation at once, your own too. For when something has leaked."
      action={
        <Button variant="light" color="red" size="xs" loading={end.isPending} onClick={ask}>
          Sign everyone out
        </Button>
      }
    >
      {end.isError && <ProblemView error={end.error} />}
    </Section>
  )
}
