import { NavLink, Stack, Text } from '@mantine/core'
import {
  IconActivity,
  IconFileSearch,
  IconPlugConnected,
  IconRobot,
  IconShieldLock,
  IconUserCircle,
  IconUsers,
  IconWebhook
} from '@tabler/icons-react'
import { Link, type LinkProps, useLocation } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import type { Me } from '../api/me.ts'

interface Entry {
  readonly to: NonNullable<LinkProps['to']>
  readonly words: string
  readonly icon: ComponentType<{ size: number; stroke: number }>
  readonly isFor?: (me: Me) => boolean
}

const isAdmin = ({ role }: Me) => role === 'tenant_admin'

const groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'Work',
    entries: [
      { to: '/fabrics', words: 'Fabrics', icon: IconPlugConnected },
      { to: '/service-accounts', words: 'Service accounts', icon: IconRobot }
    ]
  },
  {
    title: 'Organisation',
    entries: [
      { to: '/people', words: 'People and teams', icon: IconUsers },
      { to: '/audit', words: 'Audit', icon: IconFileSearch, isFor: isAdmin },
      { to: '/settings/security', words: 'Security', icon: IconShieldLock, isFor: isAdmin },
      { to: '/settings/webhooks', words: 'Webhooks', icon: IconWebhook, isFor: isAdmin },
      {
        to: '/operations',
        words: 'Operations',
        icon: IconActivity,
        isFor: ({ isPlatformOperator }) => isPlatformOperator
      }
    ]
  },
  { title: 'You', entries: [{ to: '/account', words: 'My account', icon: IconUserCircle }] }
]

export function Navigation({ me, onGo }: { readonly me: Me; readonly onGo: () => void }) {
  const { pathname } = useLocation()
  return (
    <Stack gap="lg">
      {groups.map(({ title, entries }) => (
        <Stack key={title} gap={2}>
          <Text size="xs" fw={600} c="dimmed" px="sm" pb={4}>
            {title}
          </Text>
          {entries
            .filter(({ isFor }) => isFor?.(me) ?? true)
            .map(({ to, words, icon: Icon }) => {
              const isHere = pathname === to || pathname.startsWith(`${to}/`)
              return (
                <NavLink
                  key={to}
                  component={Link}
                  to={to}
                  className="nav-link"
                  label={words}
                  leftSection={<Icon size={18} stroke={1.6} />}
                  active={isHere}
                  aria-current={isHere ? 'page' : undefined}
                  onClick={onGo}
                />
              )
            })}
        </Stack>
      ))}
    </Stack>
  )
}
