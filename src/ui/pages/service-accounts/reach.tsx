import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useCall, useList } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { tell } from '../../parts/toast.ts'
import type { Access, AccountProps } from './account-props.ts'
import { ReachForm } from './reach-form.tsx'

/** Which fabrics it may use, which endpoints of them, and how often. */
export function Reach({ account }: AccountProps) {
  const fabrics = useList('fabricList', {})
  const [edited, setEdited] = useState<Access | 'new' | null>(null)
  const nameOf = (id: string) => fabrics.items.find((one) => one.id === id)?.name ?? id
  const isWhole = account.fabrics.length >= fabrics.items.length && !fabrics.hasNextPage
  return (
    <Section
      title="Fabrics"
      description="What it may use. It acts as the service principal of each, and sees nothing else."
      action={
        !isWhole && (
          <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setEdited('new')}>
            Let it use a fabric
          </Button>
        )
      }
    >
      {account.fabrics.length === 0 && <Nothing>It may use no fabric yet.</Nothing>}
      <ul className="plain-list" aria-label="Fabrics">
        {account.fabrics.map((access) => (
          <AccessRow
            key={access.fabricId}
            account={account}
            access={access}
            name={nameOf(access.fabricId)}
            onEdit={() => setEdited(access)}
          />
        ))}
      </ul>
      {edited !== null && (
        <ReachForm
          account={account}
          access={edited === 'new' ? null : edited}
          fabrics={fabrics.items}
          onClose={() => setEdited(null)}
        />
      )}
    </Section>
  )
}

interface RowProps extends AccountProps {
  readonly access: Access
  readonly name: string
  readonly onEdit: () => void
}

function AccessRow({ account, access, name, onEdit }: RowProps) {
  const confirm = useConfirm()
  const set = useCall('serviceAccountSetFabrics', ['serviceAccountGet', 'serviceAccountList'])
  const { fabricId, endpoints, requestsPerMinute } = access
  const drop = async () => {
    const isSure = await confirm({
      title: `No longer let it use “${name}”?`,
      text: 'Its calls there are refused within seconds, and streams under way end.',
      action: 'Take it away',
      isDangerous: true
    })
    if (!isSure) return
    const others = account.fabrics.filter((one) => one.fabricId !== fabricId)
    const input = { path: { serviceAccountId: account.id }, body: { fabrics: others } }
    await tell(set.mutateAsync(input), `It no longer reaches ${name}`)
  }
  return (
    <li className="section-row">
      <Text size="sm" fw={500}>
        <Anchor
          inherit
          renderRoot={(props) => <Link to="/fabrics/$fabricId" params={{ fabricId }} {...props} />}
        >
          {name}
        </Anchor>
      </Text>
      <Stack gap={0}>
        <Text size="sm">{endpoints === undefined ? 'Every endpoint' : endpoints.join(', ')}</Text>
        <Text size="xs" c="dimmed">
          {requestsPerMinute === undefined
            ? 'no limit of its own'
            : `${requestsPerMinute} requests a minute`}
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
          aria-label={`Take away ${name}`}
          loading={set.isPending}
          onClick={drop}
        >
          Take away
        </Button>
      </Group>
    </li>
  )
}
