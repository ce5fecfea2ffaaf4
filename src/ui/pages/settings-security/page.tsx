import { Tabs } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useIsTenantAdmin } from '../../api/me.ts'
import { Page } from '../../parts/page.tsx'
import { LoginProviders } from './login-providers.tsx'
import { OAuthApps } from './oauth-apps.tsx'
import { Organisation } from './organisation.tsx'

/** How people reach Databricks and Weft, for the whole organisation. */
export function SettingsSecurityPage() {
  const isAdmin = useIsTenantAdmin()
  const { tab = 'databricks' } = useSearch({ from: '/shell/settings/security' })
  const navigate = useNavigate()
  if (!isAdmin) {
    return <Page title="Security" description="Only admins of your organisation can change this." />
  }
  return (
    <Page
      title="Security"
      description="How people reach Databricks and Weft, for the whole organisation. Changes hold at once."
    >
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) =>
          navigate({
            to: '/settings/security',
            search: next === null || next === 'databricks' ? {} : { tab: next }
          })
        }
      >
        <div className="tab-strip">
          <Tabs.List aria-label="Parts of the settings">
            <Tabs.Tab value="databricks">Databricks sign-in</Tabs.Tab>
            <Tabs.Tab value="login">Login providers</Tabs.Tab>
            <Tabs.Tab value="organisation">Sessions and tokens</Tabs.Tab>
          </Tabs.List>
        </div>
        <Tabs.Panel value="databricks" pt="lg">
          <OAuthApps />
        </Tabs.Panel>
        <Tabs.Panel value="login" pt="lg">
          <LoginProviders />
        </Tabs.Panel>
        <Tabs.Panel value="organisation" pt="lg">
          <Organisation />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
