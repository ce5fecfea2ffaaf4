import { Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formErrors } from '../../api/form-errors.ts'
import { pathOf } from '../../api/prefix.ts'
import { queryOf, useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { CredentialRow } from '../../parts/credential-row.tsx'
import { Facts } from '../../parts/facts.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { ShownOnceDialog } from '../../parts/shown-once.tsx'

/** How a directory such as Entra ID brings people and groups by itself. */
export function Directory() {
  const query = useQuery(queryOf('scimTokenList', {}))
  const [isMaking, setIsMaking] = useState(false)
  if (query.isPending) return <Loading of="the tokens" />
  const url = `${location.origin}${pathOf('/scim/v2')}`
  return (
    <Section
      title="People and groups from your directory"
      description="Entra ID or another directory brings people, suspends who leaves, and makes groups into teams (SCIM 2.0)."
      action={<AddButton onClick={() => setIsMaking(true)}>New token</AddButton>}
    >
      <Stack px="lg" pb="lg" gap="sm">
        <Text size="sm">
          In Entra: Enterprise applications › Weft › Provisioning › Automatic. Paste both, then test
          the connection there.
        </Text>
        <Facts
          facts={[
            ['Tenant URL', <Copyable key="url" value={url} label="Copy the tenant URL" />],
            ['Secret token', 'A token that you make here']
          ]}
        />
      </Stack>
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {query.data?.items.length === 0 && <Nothing>No token: no directory is connected.</Nothing>}
      <ul className="plain-list" aria-label="Tokens for directories">
        {query.data?.items.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </ul>
      {isMaking && <NewScimToken onClose={() => setIsMaking(false)} />}
    </Section>
  )
}

function TokenRow({ token }: { readonly token: Schemas['ScimToken'] }) {
  const remove = useCall('scimTokenDelete', ['scimTokenList'])
  return (
    <CredentialRow
      kind="token"
      of={token}
      warning="The directory that uses it brings and suspends nobody any more, until it has another."
      onRevoke={() => remove.mutateAsync({ path: { scimTokenId: token.id } })}
    />
  )
}

function NewScimToken({ onClose }: { readonly onClose: () => void }) {
  const create = useCall('scimTokenCreate', ['scimTokenList'])
  const form = useForm({
    initialValues: { name: '' },
    validate: { name: (name) => (name.trim() === '' ? 'Say which directory it is for' : null) }
  })
  const submit = form.onSubmit(({ name }) =>
    create.mutate(
      { body: { name: name.trim() } },
      { onError: (error) => form.setErrors(formErrors(error, ['name'])) }
    )
  )
  return (
    <ShownOnceDialog
      title="New token for a directory"
      told={
        create.data && {
          title: 'Copy the token now',
          value: create.data.token,
          label: 'Copy the token',
          words: 'Weft keeps no copy. Paste it as the secret token of your directory.'
        }
      }
      onClose={onClose}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Which directory is it for?"
            placeholder="Entra ID"
            maxLength={120}
            data-autofocus
            {...form.getInputProps('name')}
          />
          {create.isError && <ProblemView error={create.error} />}
          <FormButtons action="Make the token" isPending={create.isPending} onCancel={onClose} />
        </Stack>
      </form>
    </ShownOnceDialog>
  )
}
