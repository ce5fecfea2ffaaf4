import { Anchor, Badge, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconPlus, IconRobot } from '@tabler/icons-react'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { formErrors } from '../../api/form-errors.ts'
import { useIsTenantAdmin } from '../../api/me.ts'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Empty } from '../../parts/empty.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Time } from '../../parts/time.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import '../../parts/section.css'

const title = 'Service accounts'
const description =
  'How machines call Weft: a job, a backend, a pipeline. Each reaches only the fabrics that you let it use.'

export function ServiceAccountsPage() {
  const isAdmin = useIsTenantAdmin()
  if (isAdmin) return <Accounts />
  return (
    <Page title={title} description={description}>
      <Empty icon={<IconRobot size={22} />} title="Admins look after these">
        Does a service of yours have to call Weft? Ask an admin of your organisation. For a script
        of your own, make a{' '}
        <Anchor inherit component={Link} to="/account">
          personal access token
        </Anchor>
        .
      </Empty>
    </Page>
  )
}

function Accounts() {
  const list = useList('serviceAccountList', {})
  const [isMaking, setIsMaking] = useState(false)
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const isEmpty = list.isSuccess && list.items.length === 0
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setIsMaking(true)}>
      New service account
    </Button>
  )
  return (
    <Page title={title} description={description} actions={!isEmpty && add}>
      {list.isPending && <Loading of="service accounts" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {isEmpty && (
        <Empty icon={<IconRobot size={22} />} title="No service account yet" action={add}>
          Make one for each service that calls Weft, so that each has its own keys and its own
          reach.
        </Empty>
      )}
      {list.items.length > 0 && (
        <div className="card rows">
          <VirtualList
            items={list.items}
            label={title}
            keyOf={({ id }) => id}
            rowHeight={66}
            hasNextPage={hasNextPage}
            isFetchingNextPage={isFetchingNextPage}
            fetchNextPage={fetchNextPage}
          >
            {(account) => <Row account={account} />}
          </VirtualList>
        </div>
      )}
      <Modal opened={isMaking} onClose={() => setIsMaking(false)} title="New service account">
        <NewAccount onCancel={() => setIsMaking(false)} />
      </Modal>
    </Page>
  )
}

function Row({ account }: { readonly account: Schemas['ServiceAccount'] }) {
  const count = account.fabrics.length
  return (
    <Link
      to="/service-accounts/$serviceAccountId"
      params={{ serviceAccountId: account.id }}
      className="section-row row"
    >
      <Group gap={8}>
        <Text size="sm" fw={500}>
          {account.name}
        </Text>
        {account.isDisabled && (
          <Badge variant="light" color="gray" size="sm" radius="sm">
            Disabled
          </Badge>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        {count === 0
          ? 'Reaches no fabric yet'
          : `Reaches ${count} ${count === 1 ? 'fabric' : 'fabrics'}`}
      </Text>
      <Text size="sm" c="dimmed">
        made <Time at={account.createdAt} />
      </Text>
    </Link>
  )
}

function NewAccount({ onCancel }: { readonly onCancel: () => void }) {
  const navigate = useNavigate()
  const create = useCall('serviceAccountCreate', ['serviceAccountList'])
  const form = useForm({
    initialValues: { name: '' },
    validate: { name: (name) => (name.trim() === '' ? 'Say which service it is' : null) }
  })
  const submit = form.onSubmit(({ name }) =>
    create.mutate(
      { body: { name: name.trim() } },
      {
        onSuccess: ({ id }) =>
          navigate({
            to: '/service-accounts/$serviceAccountId',
            params: { serviceAccountId: id }
          }),
        onError: (error) => form.setErrors(formErrors(error, ['name']))
      }
    )
  )
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Which service is it?"
          description="One account for each service; its name stands in the audit."
          placeholder="Nightly loader"
          maxLength={120}
          data-autofocus
          {...form.getInputProps('name')}
        />
        {create.isError && <ProblemView error={create.error} />}
        <FormButtons action="Make it" isPending={create.isPending} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
