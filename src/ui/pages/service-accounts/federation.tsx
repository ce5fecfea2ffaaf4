import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queryOf, useCall } from '../../api/queries.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { tell } from '../../parts/toast.ts'
import type { AccountProps, Identity } from './account-props.ts'
import { AssertionTest } from './assertion-test.tsx'
import { IdentityForm } from './identity-form.tsx'

/** By whose tokens the service is believed, so that it needs no key. */
export function Federation({ account }: AccountProps) {
  const path = { serviceAccountId: account.id }
  const query = useQuery(queryOf('federatedIdentityList', { path }))
  const [edited, setEdited] = useState<Identity | 'new' | null>(null)
  const [isTesting, setIsTesting] = useState(false)
  const items = query.data?.items ?? []
  return (
    <Section
      title="Federated identities"
      description="Without any key: Weft believes the token that the service’s own platform gives it, such as Kubernetes or GitHub Actions."
      action={
        <Group gap="sm">
          {items.length > 0 && (
            <Button variant="default" size="xs" onClick={() => setIsTesting(true)}>
              Try a token
            </Button>
          )}
          <AddButton onClick={() => setEdited('new')}>Add an identity</AddButton>
        </Group>
      }
    >
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {query.isSuccess && items.length === 0 && <Nothing>It is believed by keys alone.</Nothing>}
      <ul className="plain-list" aria-label="Federated identities">
        {items.map((identity) => (
          <IdentityRow
            key={identity.id}
            account={account}
            identity={identity}
            onEdit={() => setEdited(identity)}
          />
        ))}
      </ul>
      {edited !== null && (
        <IdentityForm
          account={account}
          identity={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
        />
      )}
      {isTesting && <AssertionTest account={account} onClose={() => setIsTesting(false)} />}
    </Section>
  )
}

interface RowProps extends AccountProps {
  readonly identity: Identity
  readonly onEdit: () => void
}

function IdentityRow({ account, identity, onEdit }: RowProps) {
  const confirm = useConfirm()
  const remove = useCall('federatedIdentityDelete', ['federatedIdentityList', 'serviceAccountGet'])
  const { id, name, issuer, subject, claims, lastUsedAt } = identity
  const drop = async () => {
    const isSure = await confirm({
      title: `Remove “${name}”?`,
      text: 'Tokens that it was believed by are refused within seconds.',
      action: 'Remove it',
      isDangerous: true
    })
    if (!isSure) return
    const path = { serviceAccountId: account.id, federatedIdentityId: id }
    await tell(remove.mutateAsync({ path }), 'The identity is removed')
  }
  const conditions = [...(subject === null ? [] : [['sub', subject]]), ...Object.entries(claims)]
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Text size="sm" fw={500}>
          {name}
        </Text>
        <Text size="xs" c="dimmed" className="mono">
          {issuer}
        </Text>
      </Stack>
      <Stack gap={0}>
        {conditions.map(([claim, pattern]) => (
          <Text key={claim} size="xs" className="mono">
            {claim}: {pattern}
          </Text>
        ))}
        <Text size="xs" c="dimmed">
          last used <Time at={lastUsedAt} />
        </Text>
      </Stack>
      <Group gap={4} wrap="nowrap" className="section-actions">
        <Button variant="subtle" size="xs" aria-label={`Change ${name}`} onClick={onEdit}>
          Change
        </Button>
        <Button
          variant="subtle"
          color="red"
          size="xs"
          aria-label={`Remove ${name}`}
          loading={remove.isPending}
          onClick={drop}
        >
          Remove
        </Button>
      </Group>
    </li>
  )
}
