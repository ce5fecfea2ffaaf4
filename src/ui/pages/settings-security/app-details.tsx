import { Button, Collapse, Group, Select, Stack, TagsInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { SaveProblem } from '../../parts/conflict.tsx'
import { settle, tellForm, useFollowing } from '../../parts/saved-form.ts'
import { Section } from '../../parts/section.tsx'
import { useAppSave } from './app-save.ts'
import type { App } from './app-status.tsx'
import { RegistrationCheck } from './registration-check.tsx'
import {
  type PolicyValues,
  policyInWords,
  policyOf,
  policyValuesOf,
  TokenPolicyFields
} from './token-policy.tsx'

interface Values {
  name: string
  scopes: string[]
  allowedHosts: string[]
  clientAuthMethod: App['clientAuthMethod']
  accountHost: string
  accountId: string
  policy: PolicyValues
}

const valuesOf = (app: App): Values => ({
  name: app.name,
  scopes: app.scopes,
  allowedHosts: app.allowedHosts,
  clientAuthMethod: app.clientAuthMethod,
  accountHost: app.accountHost ?? '',
  accountId: app.accountId ?? '',
  policy: policyValuesOf(app)
})

const labels = {
  name: 'Name',
  scopes: 'Scopes',
  allowedHosts: 'Allowed workspace hosts',
  clientAuthMethod: 'How the secret is sent',
  accountHost: 'Account console',
  accountId: 'Account ID',
  policy: 'Lives of tokens'
}
const asText = ({ scopes, allowedHosts, policy, ...rest }: Values) => ({
  ...rest,
  policy: policyInWords(policy),
  scopes: scopes.join(', '),
  allowedHosts: allowedHosts.join(', ')
})

/** What rarely changes: name, scopes, hosts, and the registration at the account. */
export function AppDetails({ app }: { readonly app: App }) {
  const [isShown, setIsShown] = useState(false)
  const [isChecking, setIsChecking] = useState(false)
  const isCheckable = app.clientId !== null && app.accountHost !== null && app.accountId !== null
  return (
    <Section
      title="More settings"
      description="Name, scopes, allowed hosts, lives of tokens, and what is registered at the account. The defaults suit most."
      action={
        <Group gap="xs">
          {isCheckable && (
            <Button variant="default" size="xs" onClick={() => setIsChecking(true)}>
              Check the registration
            </Button>
          )}
          <Button
            variant="default"
            size="xs"
            aria-expanded={isShown}
            onClick={() => setIsShown(!isShown)}
          >
            {isShown ? 'Hide' : 'Change'}
          </Button>
        </Group>
      }
    >
      <Collapse expanded={isShown}>{isShown && <DetailsForm app={app} />}</Collapse>
      <RegistrationCheck app={app} isOpen={isChecking} onClose={() => setIsChecking(false)} />
    </Section>
  )
}

function DetailsForm({ app }: { readonly app: App }) {
  const { save, error, isPending, reset } = useAppSave(app)
  const form = useForm<Values>({
    initialValues: valuesOf(app),
    validate: { name: (name) => (name.trim() === '' ? 'Give it a name' : null) }
  })
  useFollowing(form, valuesOf(app))
  const submit = form.onSubmit(async ({ policy, ...values }) => {
    const texts = { accountHost: values.accountHost.trim(), accountId: values.accountId.trim() }
    const wanted = {
      ...values,
      accountHost: texts.accountHost || null,
      accountId: texts.accountId || null,
      tokenPolicy: policyOf(policy)
    }
    // Only what is different: another client ID or scope makes a verification old.
    const changed = Object.entries(wanted).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(app, name))
    )
    try {
      const done = await save(Object.fromEntries(changed))
      if (done !== null) settle(form, valuesOf(done))
    } catch (err) {
      tellForm(form, err)
    }
  })
  return (
    <form onSubmit={submit}>
      <Stack gap="md" px="lg" pb="lg" maw={640}>
        <TextInput label={labels.name} maxLength={120} {...form.getInputProps('name')} />
        <TagsInput
          label={labels.scopes}
          description="all-apis and offline_access are all that Weft needs."
          {...form.getInputProps('scopes')}
        />
        <TagsInput
          label={labels.allowedHosts}
          description="Empty: any workspace of Databricks. Exact hosts, or *.suffix."
          {...form.getInputProps('allowedHosts')}
        />
        <Select
          label={labels.clientAuthMethod}
          allowDeselect={false}
          data={[
            { value: 'client_secret_post', label: 'In the body (client_secret_post)' },
            { value: 'client_secret_basic', label: 'In a header (client_secret_basic)' }
          ]}
          {...form.getInputProps('clientAuthMethod')}
        />
        <TextInput
          label={labels.accountHost}
          description="With the account ID: lets Weft compare what is registered there."
          placeholder="accounts.cloud.databricks.com"
          maxLength={255}
          {...form.getInputProps('accountHost')}
        />
        <TextInput label={labels.accountId} maxLength={64} {...form.getInputProps('accountId')} />
        <TokenPolicyFields form={form} />
        <SaveProblem
          error={error}
          mine={asText(form.values)}
          theirs={asText(valuesOf(app))}
          labels={labels}
          onOverwrite={() => submit()}
          onTakeTheirs={() => {
            settle(form, valuesOf(app))
            reset()
          }}
        />
        <Group>
          <Button type="submit" loading={isPending} disabled={!form.isDirty()}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
