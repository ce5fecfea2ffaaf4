import { Anchor, Badge, Button, Group } from '@mantine/core'
import { IconChevronLeft } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { queryOf, useCall, useList } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'
import type { AccountProps } from './account-props.ts'
import { Federation } from './federation.tsx'
import { HowToCall } from './how-to-call.tsx'
import { Keys } from './keys.tsx'
import { Networks } from './networks.tsx'
import { Reach } from './reach.tsx'

export function ServiceAccountPage() {
  const { serviceAccountId = '' } = useParams({ strict: false })
  const path = { serviceAccountId }
  const query = useQuery(queryOf('serviceAccountGet', { path }))
  // Together, so that nothing moves while one reads.
  const parts = [
    useQuery(queryOf('serviceKeyList', { path })),
    useQuery(queryOf('federatedIdentityList', { path })),
    useList('fabricList', {})
  ]
  if (query.isError) {
    return (
      <Page title="Service account">
        <ProblemView error={query.error} onRetry={() => query.refetch()} />
      </Page>
    )
  }
  if (!query.data || parts.some((part) => part.isPending)) {
    return <Loading of="the service account" />
  }
  const account = query.data
  return (
    <Page
      title={account.name}
      description={
        <Group gap={10}>
          {account.isDisabled && (
            <Badge variant="light" color="gray" size="sm" radius="sm">
              Disabled
            </Badge>
          )}
          <Copyable value={account.id} label="Copy the id" />
          <span>
            made <Time at={account.createdAt} />
          </span>
        </Group>
      }
      actions={
        <Anchor component={Link} to="/service-accounts" size="sm" underline="hover">
          <Group gap={4}>
            <IconChevronLeft size={16} aria-hidden />
            All service accounts
          </Group>
        </Anchor>
      }
    >
      <Reach account={account} />
      <Keys account={account} />
      <Federation account={account} />
      <Networks account={account} />
      <HowToCall account={account} />
      <End account={account} />
    </Page>
  )
}

/** Stopping it for a while, and for good. */
function End({ account }: AccountProps) {
  const { id, name, isDisabled, version } = account
  const path = { serviceAccountId: id }
  const navigate = useNavigate()
  const confirm = useConfirm()
  const update = useCall('serviceAccountUpdate', ['serviceAccountGet', 'serviceAccountList'])
  const remove = useCall('serviceAccountDelete', ['serviceAccountList'])
  const turn = async () => {
    const question = {
      title: `Disable “${name}”?`,
      text: 'Its keys and tokens are refused within seconds, calls under way included. It loses nothing; enable it again at any time.',
      action: 'Disable it',
      isDangerous: true
    }
    if (!isDisabled && !(await confirm(question))) return
    update.mutate(
      { path, body: { isDisabled: !isDisabled, version } },
      {
        onSuccess: () => toast(isDisabled ? 'It may call again' : 'It is disabled'),
        onError: toastProblem
      }
    )
  }
  const drop = async () => {
    const isSure = await confirm({
      title: `Delete “${name}”?`,
      text: 'Its keys, federated identities and tokens are gone at once. This cannot be undone.',
      action: 'Delete it',
      isDangerous: true,
      typed: name
    })
    if (!isSure) return
    remove.mutate(
      { path },
      {
        onSuccess: () => {
          toast('The service account is deleted')
          void navigate({ to: '/service-accounts' })
        },
        onError: toastProblem
      }
    )
  }
  return (
    <Section
      title="Stop it"
      description={
        isDisabled
          ? 'It is disabled: everything that it sends is refused.'
          : 'Disable it for a while, or delete it with all of its keys.'
      }
      action={
        <Group gap="sm">
          <Button variant="default" size="xs" loading={update.isPending} onClick={turn}>
            {isDisabled ? 'Enable' : 'Disable'}
          </Button>
          <Button variant="light" color="red" size="xs" loading={remove.isPending} onClick={drop}>
            Delete
          </Button>
        </Group>
      }
    >
      {null}
    </Section>
  )
}
