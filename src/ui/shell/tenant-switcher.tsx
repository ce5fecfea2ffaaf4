import { Menu, Text, UnstyledButton } from '@mantine/core'
import { IconCheck, IconSelector } from '@tabler/icons-react'
import { call } from '../api/client.ts'
import type { Me } from '../api/me.ts'
import { pathOf } from '../api/prefix.ts'
import { toastProblem } from '../parts/toast.ts'

/** Nothing of one organisation stays in sight in another: the page begins anew. */
async function switchTo(tenantId: string): Promise<void> {
  try {
    await call('meSwitchTenant', { body: { tenantId } })
    window.location.assign(pathOf('/console'))
  } catch (err) {
    toastProblem(err)
  }
}

/** Whose organisation this is; a choice where one belongs to several. */
export function TenantSwitcher({ me }: { readonly me: Me }) {
  if (me.tenants.length < 2) {
    return (
      <Text size="sm" c="dimmed" truncate>
        {me.tenant.name}
      </Text>
    )
  }
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className="tenant" aria-label={`Organisation: ${me.tenant.name}. Switch`}>
          <Text size="sm" truncate>
            {me.tenant.name}
          </Text>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {me.tenants.map(({ id, name }) => (
          <Menu.Item
            key={id}
            rightSection={id === me.tenant.id ? <IconCheck size={14} aria-label="current" /> : null}
            onClick={() => id !== me.tenant.id && switchTo(id)}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
