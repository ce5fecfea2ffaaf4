import { Button, Stack, Text } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useMe } from '../../api/me.ts'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { tell } from '../../parts/toast.ts'
import { NewDelegation } from './new-delegation.tsx'

type Delegation = Schemas['Delegation']

interface RowProps {
  readonly delegation: Delegation
  readonly fabricName: string
}

function DelegationRow({ delegation, fabricName }: RowProps) {
  const confirm = useConfirm()
  const revoke = useCall('delegationRevoke', ['delegationList'])
  const remove = async () => {
    const isSure = await confirm({
      title: 'Let it act as you no more?',
      text: 'Calls under way end within seconds, and new ones are refused.',
      action: 'End the delegation',
      isDangerous: true
    })
    if (!isSure) return
    const input = { path: { delegationId: delegation.id } }
    await tell(revoke.mutateAsync(input), 'It acts as you no more')
  }
  return (
    <li className="section-row">
      <Stack gap={0}>
        <Text size="sm" fw={500} className="mono">
          {delegation.serviceAccountId}
        </Text>
        <Text size="xs" c="dimmed">
          through {fabricName}
          {delegation.endpoints && `, only ${delegation.endpoints.join(', ')}`}
        </Text>
      </Stack>
      <Text size="sm" c="dimmed">
        Ends <Time at={delegation.expiresAt} />
      </Text>
      <Button variant="subtle" color="red" size="xs" loading={revoke.isPending} onClick={remove}>
        End
      </Button>
    </li>
  )
}

/** Services that one lets act as oneself; a link of theirs opens the question whether to. */
export function Delegations() {
  const { user } = useMe()
  const list = useList('delegationList', {})
  const fabrics = useList('fabricList', {})
  const { delegate, fabric } = useSearch({ from: '/shell/account' })
  // Admins are shown everybody's; here it is one's own that counts.
  const own = list.items.filter(({ userId }) => userId === user.id)
  const nameOf = (id: string) => fabrics.items.find((one) => one.id === id)?.name ?? id
  return (
    <Section
      title="Acting as me"
      description="Services that you let act as you, with your own permissions, until a day that you set."
    >
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {list.isSuccess && own.length === 0 && <Nothing>No service may act as you.</Nothing>}
      <ul className="plain-list" aria-label="Acting as me">
        {own.map((delegation) => (
          <DelegationRow
            key={delegation.id}
            delegation={delegation}
            fabricName={nameOf(delegation.fabricId)}
          />
        ))}
      </ul>
      {delegate !== undefined && fabric !== undefined && (
        <NewDelegation serviceAccountId={delegate} fabricId={fabric} fabricName={nameOf(fabric)} />
      )}
    </Section>
  )
}
