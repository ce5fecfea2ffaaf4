import { Page } from '../../parts/page.tsx'

export function WizardPage() {
  return <Page title="New fabric" />
}
