import { Page } from '../../parts/page.tsx'

export function ServiceAccountPage() {
  return <Page title="Service account" />
}
