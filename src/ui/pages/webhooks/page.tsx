import { Anchor, Button } from '@mantine/core'
import { IconPlus, IconWebhook } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useIsTenantAdmin } from '../../api/me.ts'
import { useList } from '../../api/queries.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loading, Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { WebhookDialog } from './dialog.tsx'
import { WebhookRow } from './row.tsx'
import type { Webhook } from './words.ts'
import '../../parts/section.css'

const title = 'Webhooks'
const description =
  'Tell another system what happens here: a sign-in that is needed, a secret that ends, or everything. Signed, in order, and nothing left out.'
/** How often the page looks again by itself, milliseconds. */
const refreshMs = 5_000

export function WebhooksPage() {
  if (useIsTenantAdmin()) return <Webhooks />
  return (
    <Page title={title} description={description}>
      <Empty icon={<IconWebhook size={22} />} title="Admins look after these">
        Should another system hear of what happens here? Ask an admin of your organisation.
      </Empty>
    </Page>
  )
}

function Webhooks() {
  const list = useList('webhookList', {}, refreshMs)
  const [edited, setEdited] = useState<Webhook | 'new' | null>(null)
  const isEmpty = list.isSuccess && list.items.length === 0
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEdited('new')}>
      New webhook
    </Button>
  )
  return (
    <Page title={title} description={description} actions={!isEmpty && add}>
      {list.isPending && <Loading of="webhooks" />}
      {list.isError && <ProblemView error={list.error} onRetry={() => list.refetch()} />}
      {isEmpty && (
        <Empty icon={<IconWebhook size={22} />} title="No webhook yet" action={add}>
          Give the address of a system of yours, such as your chat or your alerting. What happened
          before stands in the{' '}
          <Anchor inherit component={Link} to="/audit">
            audit
          </Anchor>
          .
        </Empty>
      )}
      {list.items.length > 0 && (
        <ul className="card plain-list" aria-label={title}>
          {list.items.map((webhook) => (
            <WebhookRow key={webhook.id} webhook={webhook} onChange={() => setEdited(webhook)} />
          ))}
        </ul>
      )}
      {edited !== null && <WebhookDialog edited={edited} onClose={() => setEdited(null)} />}
    </Page>
  )
}
