import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { Time } from '../../parts/time.tsx'
import { tell } from '../../parts/toast.ts'

import '../../parts/section.css'

type Tenant = Schemas['Tenant']

const kinds = [
  ['members', 'person', 'people'],
  ['teams', 'team', 'teams'],
  ['fabrics', 'fabric', 'fabrics'],
  ['serviceAccounts', 'service account', 'service accounts']
] as const

/** `3 people, 1 team, 2 fabrics`. */
function sizeOf({ counts }: Tenant): string {
  return kinds
    .filter(([kind]) => counts[kind] > 0)
    .map(([kind, one, many]) => `${counts[kind]} ${counts[kind] === 1 ? one : many}`)
    .join(', ')
}

export function TenantRow({ tenant }: { readonly tenant: Tenant }) {
  const confirm = useConfirm()
  const suspend = useCall('tenantSuspend', ['tenantList'])
  const resume = useCall('tenantResume', ['tenantList'])
  const input = { path: { tenantId: tenant.id } }
  const stop = async () => {
    const isSure = await confirm({
      title: `Suspend ${tenant.name}?`,
      text: 'Nobody of it can log in or call until it is resumed; calls under way end. Nothing is deleted.',
      action: 'Suspend',
      isDangerous: true
    })
    if (!isSure) return
    await tell(suspend.mutateAsync(input), `${tenant.name} is suspended`)
  }
  const start = () => tell(resume.mutateAsync(input), `${tenant.name} works again`)
  return (
    <div className="section-row">
      <Stack gap={0}>
        <Group gap={8}>
          <Text size="sm" fw={600}>
            {tenant.name}
          </Text>
          {tenant.status !== 'active' && (
            <Badge color="red" variant="light" size="sm" radius="sm">
              {tenant.status === 'suspended' ? 'Suspended' : 'Being erased'}
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          {tenant.slug}, since <Time at={tenant.createdAt} />
        </Text>
      </Stack>
      <Text size="sm" c="dimmed">
        {sizeOf(tenant) || 'Empty'}
      </Text>
      {tenant.status === 'active' && (
        <Button
          variant="subtle"
          color="red"
          size="xs"
          aria-label={`Suspend ${tenant.name}`}
          loading={suspend.isPending}
          onClick={stop}
        >
          Suspend
        </Button>
      )}
      {tenant.status === 'suspended' && (
        <Button
          variant="default"
          size="xs"
          aria-label={`Resume ${tenant.name}`}
          loading={resume.isPending}
          onClick={start}
        >
          Resume
        </Button>
      )}
    </div>
  )
}
