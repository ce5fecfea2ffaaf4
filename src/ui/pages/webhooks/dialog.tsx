import { Radio, Stack, TagsInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { formErrors } from '../../api/form-errors.ts'
import { isCode } from '../../api/problem.ts'
import { useCall } from '../../api/queries.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { ShownOnceDialog } from '../../parts/shown-once.tsx'
import { toast } from '../../parts/toast.ts'
import { type Preset, presetOf, presets, type Webhook } from './words.ts'

interface Props {
  readonly edited: Webhook | 'new'
  readonly onClose: () => void
}

const known = [
  'connection.needs_sign_in',
  'connection.recovered',
  'service_principal.refused',
  'secret.expiring',
  'fabric.*',
  'service_account.*',
  'member.*',
  'login',
  'endpoint.query',
  'audit.*'
]

/** Makes a webhook, and shows its secret; or changes one. */
export function WebhookDialog({ edited, onClose }: Props) {
  const create = useCall('webhookCreate', ['webhookList'])
  const update = useCall('webhookUpdate', ['webhookList'])
  const saved = edited === 'new' ? { name: '', url: '', events: [...presets.health] } : edited
  const form = useForm({
    initialValues: {
      name: saved.name,
      url: saved.url,
      preset: presetOf(saved.events) as Preset,
      events: presetOf(saved.events) === 'chosen' ? [...saved.events] : ([] as string[])
    },
    validate: {
      name: (name) => (name.trim() === '' ? 'Say who is told' : null),
      url: (url) => (URL.canParse(url) ? null : 'Paste the whole address, with https://'),
      events: (events, { preset }) =>
        preset === 'chosen' && events.length === 0 ? 'Name one event at least' : null
    }
  })
  const error = create.error ?? update.error
  const onError = (told: unknown) => {
    form.setErrors(fieldErrors(told))
  }
  const submit = form.onSubmit(({ name, url, preset, events }) => {
    const body = {
      name: name.trim(),
      url: url.trim(),
      events: preset === 'chosen' ? events : [...presets[preset]]
    }
    if (edited === 'new') return create.mutate({ body }, { onError })
    update.mutate(
      { path: { webhookId: edited.id }, body: { ...body, version: edited.version } },
      {
        onError,
        onSuccess: () => {
          toast(`${body.name} is saved`)
          onClose()
        }
      }
    )
  })
  const isInForm = Object.keys(fieldErrors(error)).length > 0
  return (
    <ShownOnceDialog
      title={titleOf(edited)}
      told={
        create.data && {
          title: 'Copy the secret now',
          value: create.data.secret,
          label: 'Copy the secret',
          words: 'Give it to the receiver: by it, it knows that a message is from Weft.'
        }
      }
      onClose={onClose}
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          <TextInput
            label="Who is told?"
            placeholder="On call"
            maxLength={120}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <TextInput
            label="Address"
            description="Weft posts each message there. https, reachable from the internet."
            placeholder="https://hooks.example.com/weft"
            maxLength={2048}
            type="url"
            {...form.getInputProps('url')}
          />
          <Radio.Group label="What are they told?" {...form.getInputProps('preset')}>
            <Stack gap="xs" mt="xs">
              <Radio
                value="health"
                label="Health of connections"
                description="A sign-in that is needed, a service principal that is refused, a secret that ends soon"
              />
              <Radio
                value="everything"
                label="The whole record"
                description="Everything that stands in the audit, every call included"
              />
              <Radio value="chosen" label="Events by name" />
            </Stack>
          </Radio.Group>
          {form.getValues().preset === 'chosen' && (
            <TagsInput
              label="Events"
              description="As the audit has them; fabric.* stands for all that begin so"
              data={known}
              placeholder="fabric.*"
              clearable
              {...form.getInputProps('events')}
            />
          )}
          {error && !isInForm && <ProblemView error={error} />}
          <FormButtons
            action={edited === 'new' ? 'Make the webhook' : 'Save'}
            isPending={create.isPending || update.isPending}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </ShownOnceDialog>
  )
}

function titleOf(edited: Webhook | 'new'): string {
  return edited === 'new' ? 'New webhook' : `Change ${edited.name}`
}

/** What the API says is wrong, by the field that it belongs to: `/events/1` is one name of a list that is one field. */
function fieldErrors(error: unknown): Record<string, string> {
  if (isCode(error, 'host_not_allowed')) {
    return {
      url: 'Weft may not go there: it takes https, and an address that the internet reaches'
    }
  }
  const names = Array.from({ length: 50 }, (_, index) => `events.${index}`)
  const isUnknown = Object.keys(formErrors(error, names)).length > 0
  return {
    ...formErrors(error, ['name', 'url']),
    ...(isUnknown && { events: 'No event has one of these names' })
  }
}
