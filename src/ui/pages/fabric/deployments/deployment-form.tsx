import { Group, Modal, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { formErrors } from '../../../api/form-errors.ts'
import { queryOf, useCall } from '../../../api/queries.ts'
import type { Schemas } from '../../../generated/operations.ts'
import { FormButtons } from '../../../parts/form-buttons.tsx'
import { Loading } from '../../../parts/page.tsx'
import { ProblemView } from '../../../parts/problem-view.tsx'
import { toast } from '../../../parts/toast.ts'
import '../../../parts/code-block.css'

interface Props {
  readonly fabric: Schemas['Fabric']
  /** Null: a new one. */
  readonly known: Schemas['Deployment'] | null
  readonly onClose: () => void
}

const inText = (settings: object) => JSON.stringify(settings, null, 2)
const example = inText({
  tasks: [{ task_key: 'main', notebook_task: { notebook_path: '/Shared/nightly' } }]
})

function faultOf(settings: string): string | null {
  try {
    const value: unknown = JSON.parse(settings)
    const isFit = typeof value === 'object' && value !== null && 'tasks' in value
    return isFit ? null : 'It needs “tasks”, at least one.'
  } catch (err) {
    return `This is not JSON yet: ${err instanceof Error ? err.message : String(err)}`
  }
}

/** Makes a job out of Databricks' own settings, or sets the one that there is anew from its last ones. */
export function DeploymentForm(props: Props) {
  const { fabric, known, onClose } = props
  const path = { fabricId: fabric.id, name: known?.name ?? '' }
  const whole = useQuery({ ...queryOf('deploymentGet', { path }), enabled: known !== null })
  const title = known ? `Deploy ${known.name} anew` : 'Deploy'
  return (
    <Modal opened onClose={onClose} size="lg" title={title}>
      {known !== null && whole.isPending && <Loading of="its last settings" />}
      {whole.isError && <ProblemView error={whole.error} onRetry={() => whole.refetch()} />}
      {known === null && <SettingsForm {...props} />}
      {whole.data && <SettingsForm {...props} known={whole.data} />}
    </Modal>
  )
}

function SettingsForm({ fabric, known, onClose }: Props) {
  const put = useCall('deploymentPut', ['deploymentList', 'deploymentGet', 'fabricGet'])
  const form = useForm({
    initialValues: {
      name: known?.name ?? '',
      settings: known?.spec ? inText(known.spec.settings) : example,
      jobSize: known?.spec?.jobSize ?? '',
      isScheduled: known?.schedule != null,
      cron: known?.schedule?.quartzCronExpression ?? '0 0 3 * * ?',
      zone: known?.schedule?.timezoneId ?? Intl.DateTimeFormat().resolvedOptions().timeZone
    },
    validate: {
      name: (name) =>
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name) ? null : 'Letters, digits, dots, hyphens',
      settings: faultOf
    }
  })
  const submit = form.onSubmit(({ name, settings, jobSize, isScheduled, cron, zone }) => {
    const schedule = {
      quartzCronExpression: cron,
      timezoneId: zone,
      pauseStatus: known?.schedule?.pauseStatus ?? ('UNPAUSED' as const)
    }
    const body = {
      settings: JSON.parse(settings),
      ...(jobSize !== '' && { jobSize }),
      ...(isScheduled && { schedule })
    }
    put.mutate(
      { path: { fabricId: fabric.id, name }, body },
      {
        onSuccess: () => {
          toast(`${name} is deployed`)
          onClose()
        },
        onError: (error) => form.setErrors(formErrors(error, ['settings', 'schedule']))
      }
    )
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          placeholder="nightly"
          disabled={known !== null}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Textarea
          label="Settings"
          description={
            known?.spec ? 'As it was last deployed.' : 'Databricks’ own job settings, the whole.'
          }
          className="mono-input"
          autosize
          minRows={8}
          maxRows={18}
          spellCheck={false}
          {...form.getInputProps('settings')}
        />
        {fabric.jobSizes.length > 0 && (
          <Select
            label="Size of its cluster"
            placeholder="As the settings say"
            clearable
            data={fabric.jobSizes.map(({ name }) => name)}
            {...form.getInputProps('jobSize')}
            onChange={(size) => form.setFieldValue('jobSize', size ?? '')}
          />
        )}
        <Switch
          label="Runs by a schedule"
          {...form.getInputProps('isScheduled', { type: 'checkbox' })}
        />
        {form.values.isScheduled && (
          <Group grow align="flex-start">
            <TextInput label="Quartz cron expression" {...form.getInputProps('cron')} />
            <TextInput label="Time zone" {...form.getInputProps('zone')} />
          </Group>
        )}
        {put.isError && <ProblemView error={put.error} />}
        <FormButtons action="Deploy" isPending={put.isPending} onCancel={onClose} />
      </Stack>
    </form>
  )
}
