import { Tabs } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useIsTenantAdmin } from '../../api/me.ts'
import { Page } from '../../parts/page.tsx'
import { TabStrip } from '../../parts/tab-strip.tsx'
import { LoginProviders } from './login-providers.tsx'
import { OAuthApps } from './oauth-apps.tsx'
import { Organisation } from './organisation.tsx'

const parts = [
  ['databricks', 'Databricks sign-in'],
  ['login', 'Login providers'],
  ['organisation', 'Sessions and tokens']
] as const

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
        <TabStrip label="Parts of the settings" tabs={parts} value={tab} />
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
