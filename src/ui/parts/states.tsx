import { Badge, Group, Text } from '@mantine/core'
import type { Schemas } from '../generated/operations.ts'

type State = Schemas['Fabric']['health']['state']

const kinds: Readonly<Record<State, readonly [color: string, words: string]>> = {
  active: ['teal', 'Healthy'],
  degraded: ['yellow', 'In trouble'],
  needs_sign_in: ['orange', 'Sign-in needed'],
  misconfigured: ['red', 'To be mended'],
  paused: ['gray', 'Paused'],
  revoked: ['gray', 'Revoked'],
  pending: ['gray', 'Not signed in'],
  unknown: ['gray', 'Not used yet']
}

/** The state of a grant or of a fabric: a coloured dot beside words, never colour alone. */
export function StateMark({ state, words }: { readonly state: State; readonly words?: string }) {
  const [color, usual] = kinds[state]
  return (
    <Group gap={8} wrap="nowrap">
      <span className="dot" data-color={color} aria-hidden />
      <Text size="sm">{words ?? usual}</Text>
    </Group>
  )
}

export function KindBadge({ kind }: { readonly kind: Schemas['Fabric']['kind'] }) {
  return (
    <Badge variant="light" color={kind === 'sql' ? 'cyan' : 'violet'} size="sm" radius="sm">
      {kind === 'sql' ? 'SQL' : 'Spark'}
    </Badge>
  )
}
