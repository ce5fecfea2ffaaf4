import { Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formErrors } from '../../api/form-errors.ts'
import { queryOf, useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { CredentialRow } from '../../parts/credential-row.tsx'
import { inDays } from '../../parts/days.ts'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { ShownOnceDialog } from '../../parts/shown-once.tsx'
import { Time } from '../../parts/time.tsx'
import type { AccountProps } from './account-props.ts'

interface RowProps extends AccountProps {
  readonly of: Schemas['ServiceKey']
}

function KeyRow({ account, of }: RowProps) {
  const revoke = useCall('serviceKeyRevoke', ['serviceKeyList', 'serviceAccountGet'])
  const path = { serviceAccountId: account.id, keyId: of.id }
  return (
    <CredentialRow
      kind="key"
      of={of}
      note={
        <>
          made <Time at={of.createdAt} />
        </>
      }
      from={of.lastUsedFrom}
      warning="Whatever uses it is refused at once. This cannot be undone."
      onRevoke={() => revoke.mutateAsync({ path })}
    />
  )
}

export function Keys({ account }: AccountProps) {
  const query = useQuery(queryOf('serviceKeyList', { path: { serviceAccountId: account.id } }))
  const [isMaking, setIsMaking] = useState(false)
  return (
    <Section
      title="Keys"
      description="What the service proves itself by. To replace one: make the next, move the service, see that the old one rests, revoke it."
      action={<AddButton onClick={() => setIsMaking(true)}>New key</AddButton>}
    >
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {query.data?.items.length === 0 && <Nothing>It has no key.</Nothing>}
      <ul className="plain-list" aria-label="Keys">
        {query.data?.items.map((one) => (
          <KeyRow key={one.id} account={account} of={one} />
        ))}
      </ul>
      {isMaking && <NewKey account={account} onClose={() => setIsMaking(false)} />}
    </Section>
  )
}

const lifetimes = [
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: '0', label: 'Never' }
]

function NewKey({ account, onClose }: AccountProps & { readonly onClose: () => void }) {
  const create = useCall('serviceKeyCreate', ['serviceKeyList', 'serviceAccountGet'])
  const form = useForm({
    initialValues: { name: '', days: '90' },
    validate: { name: (name) => (name.trim() === '' ? 'Say where it will be kept' : null) }
  })
  const submit = form.onSubmit(({ name, days }) => {
    const expiresAt = inDays(Number(days))
    create.mutate(
      {
        path: { serviceAccountId: account.id },
        body: { name: name.trim(), ...(days !== '0' && { expiresAt }) }
      },
      { onError: (error) => form.setErrors(formErrors(error, ['name'])) }
    )
  })
  return (
    <ShownOnceDialog
      title="New key"
      told={
        create.data && {
          title: 'Copy the key now',
          value: create.data.key,
          label: 'Copy the key',
          words: 'Weft keeps no copy. Put it where the service finds its secrets.'
        }
      }
      onClose={onClose}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Where will it be kept?"
            placeholder="Vault, production"
            maxLength={120}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <Select
            label="It ends after"
            data={lifetimes}
            allowDeselect={false}
            {...form.getInputProps('days')}
          />
          {create.isError && <ProblemView error={create.error} />}
          <FormButtons action="Make the key" isPending={create.isPending} onCancel={onClose} />
        </Stack>
      </form>
    </ShownOnceDialog>
  )
}
