import { Text, type TextProps, Tooltip } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { useState } from 'react'

const units: readonly [Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60]
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })

/** `3 hours ago`, `in 2 days`. */
export function relativeTime(at: string, now: number): string {
  const seconds = (Date.parse(at) - now) / 1000
  const unit = units.find(([, size]) => Math.abs(seconds) >= size)
  if (unit === undefined) return seconds > 0 ? 'in under a minute' : 'just now'
  return relative.format(Math.trunc(seconds / unit[1]), unit[0])
}

interface Props extends TextProps {
  readonly at: string | null
  /** What stands where there is no time. */
  readonly none?: string
}

/** A time as people say it; the exact one on hover and focus. */
export function Time({ at, none = 'never', ...text }: Props) {
  const [, look] = useState(0)
  useInterval(() => look((times) => times + 1), 30_000, { autoInvoke: true })
  if (at === null) {
    return (
      <Text span inherit {...text}>
        {none}
      </Text>
    )
  }
  return (
    <Tooltip label={exact.format(new Date(at))} events={{ hover: true, focus: true, touch: true }}>
      <Text span inherit {...text}>
        <time dateTime={at}>{relativeTime(at, Date.now())}</time>
      </Text>
    </Tooltip>
  )
}
