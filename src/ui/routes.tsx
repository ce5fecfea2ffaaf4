/** Every page and its path; each is loaded when it is first gone to. */
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect
} from '@tanstack/react-router'
import { prefix } from './api/prefix.ts'
import { Done } from './pages/done.tsx'
import { Failed, NotFound } from './shell/failed.tsx'
import { Shell } from './shell/shell.tsx'

const root = createRootRouteWithContext<{ queries: QueryClient }>()()
const done = createRoute({ getParentRoute: () => root, path: '/done', component: Done })
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })
const inShell = () => shell

interface DelegationAsked {
  readonly delegate?: string
  readonly fabric?: string
}

/** Which service account asks to act as the person, through which fabric. */
function delegationAsked({ delegate, fabric }: Record<string, unknown>): DelegationAsked {
  const isWhole = typeof delegate === 'string' && typeof fabric === 'string'
  return isWhole ? { delegate, fabric } : {}
}

interface SecurityAsked {
  readonly tab?: string
  readonly app?: string
}

/** Which part of the security settings, and which OAuth application. */
function securityAsked({ tab, app }: Record<string, unknown>): SecurityAsked {
  return {
    ...(typeof tab === 'string' && { tab }),
    ...(typeof app === 'string' && { app })
  }
}

/** Where in the wizard a draft stands. */
function wizardStep({ step }: Record<string, unknown>): { readonly step?: string } {
  return typeof step === 'string' ? { step } : {}
}

const pages = [
  createRoute({
    getParentRoute: inShell,
    path: '/',
    validateSearch: delegationAsked,
    // Where the link leads that a service shows which may not act as one yet.
    beforeLoad: ({ search }) => {
      if (search.delegate !== undefined) throw redirect({ to: '/account', search })
    },
    component: lazyRouteComponent(() => import('./pages/first-run/page.tsx'), 'FirstRunPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/fabrics',
    component: lazyRouteComponent(() => import('./pages/fabrics/page.tsx'), 'FabricsPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/fabrics/new',
    component: lazyRouteComponent(() => import('./pages/fabric-wizard/page.tsx'), 'WizardPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/fabrics/$fabricId',
    beforeLoad: ({ params }) => {
      throw redirect({ to: '/fabrics/$fabricId/$tab', params: { ...params, tab: 'connection' } })
    }
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/fabrics/$fabricId/edit',
    validateSearch: wizardStep,
    component: lazyRouteComponent(() => import('./pages/fabric-wizard/edit.tsx'), 'EditPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/fabrics/$fabricId/$tab',
    component: lazyRouteComponent(() => import('./pages/fabric/page.tsx'), 'FabricPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/service-accounts',
    component: lazyRouteComponent(
      () => import('./pages/service-accounts/page.tsx'),
      'ServiceAccountsPage'
    )
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/service-accounts/$serviceAccountId',
    component: lazyRouteComponent(
      () => import('./pages/service-accounts/account.tsx'),
      'ServiceAccountPage'
    )
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/people',
    component: lazyRouteComponent(() => import('./pages/people/page.tsx'), 'PeoplePage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/people/teams/$teamId',
    component: lazyRouteComponent(() => import('./pages/people/team.tsx'), 'TeamPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/audit',
    component: lazyRouteComponent(() => import('./pages/audit/page.tsx'), 'AuditPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/settings/security',
    validateSearch: securityAsked,
    component: lazyRouteComponent(
      () => import('./pages/settings-security/page.tsx'),
      'SettingsSecurityPage'
    )
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/settings/webhooks',
    component: lazyRouteComponent(() => import('./pages/webhooks/page.tsx'), 'WebhooksPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/account',
    validateSearch: delegationAsked,
    component: lazyRouteComponent(() => import('./pages/account/page.tsx'), 'AccountPage')
  }),
  createRoute({
    getParentRoute: inShell,
    path: '/operations',
    component: lazyRouteComponent(() => import('./pages/operations/page.tsx'), 'OperationsPage')
  }),
  createRoute({ getParentRoute: inShell, path: '$', component: NotFound })
]

export function createPages(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([done, shell.addChildren(pages)]),
    basepath: `${prefix}/console`,
    context: { queries },
    defaultErrorComponent: Failed,
    defaultPreload: 'intent',
    scrollRestoration: true
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPages>
  }
}
