import { Page } from '../../parts/page.tsx'

export function ServiceAccountsPage() {
  return <Page title="Service accounts" />
}
