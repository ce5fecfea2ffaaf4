import { Group, Text } from '@mantine/core'
import type { Schemas } from '../../generated/operations.ts'

export type App = Schemas['AppConnection']

/** What a change of an app connection makes old. */
export const appsChanged = [
  'appConnectionList',
  'appConnectionSetup',
  'appConnectionUsage',
  'capabilityList',
  'fabricList'
] as const

const statuses: Readonly<Record<App['status'], readonly [color: string, words: string]>> = {
  draft: ['gray', 'Being set up'],
  ready: ['yellow', 'Not verified yet'],
  verified: ['teal', 'Verified'],
  disabled: ['gray', 'Disabled']
}

export function StatusMark({ status }: { readonly status: App['status'] }) {
  const [color, words] = statuses[status]
  return (
    <Group gap={8} wrap="nowrap">
      <span className="dot" data-color={color} aria-hidden />
      <Text size="sm">{words}</Text>
    </Group>
  )
}
