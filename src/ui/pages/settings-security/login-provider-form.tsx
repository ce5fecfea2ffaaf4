import { Alert, Button, Group, Modal, Select, Stack, TagsInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { formErrors, isAllInForm } from '../../api/form-errors.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { SecretField } from '../../parts/secret-field.tsx'
import { toast } from '../../parts/toast.ts'
import { GroupMappings, type Mapping } from './group-mappings.tsx'

type Provider = Schemas['LoginProvider']

interface Props {
  /** null: closed. */
  readonly edited: Provider | 'new' | null
  readonly onClose: () => void
}

/** Adds or changes a login provider; what was added tells which addresses to register at it. */
export function LoginProviderModal({ edited, onClose }: Props) {
  const [added, setAdded] = useState<Provider | null>(null)
  const close = () => {
    setAdded(null)
    onClose()
  }
  const title =
    added !== null
      ? 'Register these at the provider'
      : edited === 'new'
        ? 'Add a login provider'
        : 'Change the login provider'
  return (
    <Modal opened={edited !== null} onClose={close} title={title} size="lg">
      {added !== null && (
        <Stack>
          <Alert color="teal" variant="light" title={`${added.name} is added`}>
            One thing is left: enter these addresses at the provider. Then verify it here.
          </Alert>
          <Addresses provider={added} />
          <Group justify="flex-end">
            <Button onClick={close}>Done</Button>
          </Group>
        </Stack>
      )}
      {added === null && edited !== null && (
        <ProviderForm
          provider={edited === 'new' ? null : edited}
          onAdded={setAdded}
          onClose={close}
        />
      )}
    </Modal>
  )
}

function Addresses({ provider }: { readonly provider: Provider }) {
  return (
    <Facts
      facts={[
        [
          'Redirect URI',
          <Copyable key="in" value={provider.redirectUri} label="Copy the redirect URI" />
        ],
        [
          'Back-channel logout',
          <Copyable
            key="out"
            value={provider.backchannelLogoutUri}
            label="Copy the back-channel logout URI"
          />
        ]
      ]}
    />
  )
}

interface FormProps {
  readonly provider: Provider | null
  readonly onAdded: (provider: Provider) => void
  readonly onClose: () => void
}

interface Values {
  name: string
  kind: Provider['kind']
  issuer: string
  clientId: string
  clientSecret: string
  emailDomains: string[]
  allowedTenantIds: string[]
  groupMappings: Mapping[]
}

function ProviderForm({ provider, onAdded, onClose }: FormProps) {
  const create = useCall('loginProviderCreate', ['loginProviderList'])
  const update = useCall('loginProviderUpdate', ['loginProviderList'])
  const form = useForm<Values>({
    initialValues: {
      name: provider?.name ?? '',
      kind: provider?.kind ?? 'oidc',
      issuer: provider?.issuer ?? '',
      clientId: provider?.clientId ?? '',
      clientSecret: '',
      emailDomains: provider?.emailDomains ?? [],
      allowedTenantIds: provider?.allowedTenantIds ?? [],
      groupMappings: provider?.groupMappings ?? []
    },
    validate: {
      name: (text) => (text.trim() === '' ? 'Give it a name' : null),
      issuer: (text) => (text.trim() === '' ? 'Paste the issuer' : null),
      clientId: (text) => (text.trim() === '' ? 'Paste the client ID' : null),
      clientSecret: (text) => (text === '' && !provider ? 'Paste the client secret' : null)
    }
  })
  const names = Object.keys(form.values)
  const onError = (error: unknown) => form.setErrors(formErrors(error, names))
  const submit = form.onSubmit(({ clientSecret, ...values }) => {
    const groupMappings = values.groupMappings.filter(({ groupId }) => groupId.trim() !== '')
    const rest = { ...values, groupMappings }
    if (provider === null) {
      create.mutate({ body: { ...rest, clientSecret } }, { onSuccess: onAdded, onError })
      return
    }
    const secret = clientSecret === '' ? {} : { clientSecret }
    const body = { ...rest, ...secret, version: provider.version }
    const onSuccess = () => {
      toast('Saved. It holds at once')
      onClose()
    }
    update.mutate({ path: { loginProviderId: provider.id }, body }, { onSuccess, onError })
  })
  const error = create.error ?? update.error
  const isEntra = form.values.kind === 'entra'
  return (
    <form onSubmit={submit}>
      <Stack>
        {provider !== null && <Addresses provider={provider} />}
        <TextInput label="Name" maxLength={120} {...form.getInputProps('name')} />
        <Select
          label="Kind"
          allowDeselect={false}
          data={[
            { value: 'oidc', label: 'OpenID Connect' },
            { value: 'entra', label: 'Microsoft Entra ID' }
          ]}
          {...form.getInputProps('kind')}
        />
        <TextInput
          label="Issuer"
          description={
            isEntra
              ? 'https://login.microsoftonline.com/{tenant id}/v2.0'
              : 'Letter by letter as the provider’s metadata writes it.'
          }
          placeholder="https://…"
          maxLength={512}
          {...form.getInputProps('issuer')}
        />
        <TextInput
          label="Client ID"
          autoComplete="off"
          maxLength={255}
          {...form.getInputProps('clientId')}
        />
        <SecretField
          label="Client Secret"
          secret={provider?.clientSecret ?? null}
          value={form.values.clientSecret}
          error={form.errors.clientSecret}
          onChange={(value) => form.setFieldValue('clientSecret', value)}
        />
        <TagsInput
          label="Email domains"
          description="Whose verified addresses may join by logging in. Empty: whoever the provider knows."
          {...form.getInputProps('emailDomains')}
        />
        {isEntra && (
          <TagsInput
            label="Entra tenants"
            description="Tenant ids whose people may log in; needed where the issuer is “organizations”."
            {...form.getInputProps('allowedTenantIds')}
          />
        )}
        <GroupMappings
          value={form.values.groupMappings}
          onChange={(mappings) => form.setFieldValue('groupMappings', mappings)}
        />
        {error && !isAllInForm(error, names) && <ProblemView error={error} />}
        <FormButtons
          action={provider === null ? 'Add it' : 'Save'}
          isPending={create.isPending || update.isPending}
          onCancel={onClose}
        />
      </Stack>
    </form>
  )
}
