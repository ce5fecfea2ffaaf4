import {
  ActionIcon,
  Group,
  SegmentedControl,
  Text,
  Tooltip,
  useMantineColorScheme
} from '@mantine/core'
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun } from '@tabler/icons-react'
import { call } from '../api/client.ts'
import type { Me } from '../api/me.ts'
import { pathOf } from '../api/prefix.ts'
import { toastProblem } from '../parts/toast.ts'

const schemes = [
  ['light', 'Light', IconSun],
  ['dark', 'Dark', IconMoon],
  ['auto', 'As the system', IconDeviceDesktop]
] as const

async function logOut(): Promise<void> {
  try {
    const { endSessionUrl } = await call('logout', {})
    window.location.assign(endSessionUrl ?? pathOf('/console'))
  } catch (err) {
    toastProblem(err)
  }
}

export function PersonMenu({ me }: { readonly me: Me }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <>
      <SegmentedControl
        fullWidth
        size="xs"
        mb="sm"
        aria-label="Light or dark"
        value={colorScheme}
        onChange={(value) => setColorScheme(value === 'light' || value === 'dark' ? value : 'auto')}
        data={schemes.map(([value, words, Icon]) => ({
          value,
          label: (
            <Group justify="center" gap={0} title={words}>
              <Icon size={15} aria-hidden />
              <Text span className="sr-only">
                {words}
              </Text>
            </Group>
          )
        }))}
      />
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <div className="ellipsis">
          <Text size="sm" fw={500} truncate>
            {me.user.name}
          </Text>
          <Text size="xs" c="dimmed" truncate>
            {me.user.email}
          </Text>
        </div>
        <Tooltip label="Log out">
          <ActionIcon variant="subtle" color="gray" aria-label="Log out" onClick={logOut}>
            <IconLogout size={18} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </>
  )
}
