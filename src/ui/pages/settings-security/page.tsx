import { Page } from '../../parts/page.tsx'

export function SettingsSecurityPage() {
  return <Page title="Security" />
}
