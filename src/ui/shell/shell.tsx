import { AppShell, Box, Burger, Group, ScrollArea, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useSuspenseQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import { meQuery } from '../api/me.ts'
import { Loading } from '../parts/page.tsx'
import { Login } from './login.tsx'
import { LoginAgain } from './login-again.tsx'
import { Mark } from './mark.tsx'
import { Navigation } from './navigation.tsx'
import { PersonMenu } from './person-menu.tsx'
import { TenantSwitcher } from './tenant-switcher.tsx'

/** A new page begins at its top, for the keyboard too. */
function useFocusOfPages() {
  const { pathname } = useLocation()
  const main = useRef<HTMLElement>(null)
  const known = useRef(pathname)
  useEffect(() => {
    if (known.current !== pathname) main.current?.focus({ preventScroll: true })
    known.current = pathname
  }, [pathname])
  return main
}

/** What stands around every page: who one is, where one can go. Who is not logged in sees the login. */
export function Shell() {
  const { data: me } = useSuspenseQuery(meQuery)
  const [isOpen, { toggle, close }] = useDisclosure()
  const main = useFocusOfPages()
  if (me === null) return <Login />
  return (
    <AppShell
      header={{ height: { base: 56, sm: 0 } }}
      navbar={{ width: 248, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={0}
      transitionDuration={0}
    >
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      {/* A dialog has the page's only banner, as its head. */}
      <AppShell.Header hiddenFrom="sm" className="navbar" role="none">
        <Group h="100%" px="md" gap="sm" role="region" aria-label="Top">
          <Burger
            opened={isOpen}
            onClick={toggle}
            size="sm"
            aria-label={isOpen ? 'Close the navigation' : 'Open the navigation'}
            aria-expanded={isOpen}
          />
          <Mark size={22} />
          <Text fw={600}>Weft</Text>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar
        p="md"
        className="navbar"
        aria-label="Main"
        data-closed={!isOpen || undefined}
      >
        <AppShell.Section mb="lg">
          <Group gap="sm" wrap="nowrap" px={4}>
            <Box component={Link} to="/" aria-label="Weft, start" lh={0}>
              <Mark size={30} />
            </Box>
            <Stack gap={0} className="ellipsis">
              <Text fw={600} lh={1.2}>
                Weft
              </Text>
              <TenantSwitcher me={me} />
            </Stack>
          </Group>
        </AppShell.Section>
        <AppShell.Section grow component={ScrollArea}>
          <Navigation me={me} onGo={close} />
        </AppShell.Section>
        <AppShell.Section pt="md">
          <PersonMenu me={me} />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1}>
        <Suspense fallback={<Loading of="the page" />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <LoginAgain me={me} />
    </AppShell>
  )
}
