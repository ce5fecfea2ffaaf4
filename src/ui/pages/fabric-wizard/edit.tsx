import { Page } from '../../parts/page.tsx'

export function EditPage() {
  return <Page title="Edit fabric" />
}
