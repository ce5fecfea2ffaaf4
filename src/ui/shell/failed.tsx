import { Anchor } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { ProblemView } from '../parts/problem-view.tsx'

/** A page that broke or whose first question failed. */
export function Failed({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="This page cannot be shown">
      <ProblemView error={error} onRetry={reset} />
    </Page>
  )
}

export function NotFound() {
  return (
    <Page title="No such page">
      <Empty
        icon={<IconMapOff size={22} />}
        title="Nothing is here"
        action={
          <Anchor component={Link} to="/">
            Go to the start
          </Anchor>
        }
      >
        The link may be old, or what it led to may be gone.
      </Empty>
    </Page>
  )
}
