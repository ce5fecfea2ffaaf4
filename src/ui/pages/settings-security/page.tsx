import { Tabs } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useIsTenantAdmin } from '../../api/me.ts'
import { Page } from '../../parts/page.tsx'
import { OAuthApps } from './oauth-apps.tsx'

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
        <Tabs.List aria-label="Parts of the settings">
          <Tabs.Tab value="databricks">Databricks sign-in</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="databricks" pt="lg">
          <OAuthApps />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
