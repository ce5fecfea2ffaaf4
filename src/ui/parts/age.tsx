import { Text } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { relativeTime } from './time.tsx'

/** How old something is that is asked for again and again: `4 seconds ago`, then minutes. */
export function Age({ at }: { readonly at: string }) {
  const [now, setNow] = useState(() => Date.now())
  useInterval(() => setNow(Date.now()), 1_000, { autoInvoke: true })
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1_000))
  const words = seconds > 1 && seconds < 60 ? `${seconds} s ago` : relativeTime(at, now)
  return (
    <Text span inherit className="figures">
      {words}
    </Text>
  )
}
