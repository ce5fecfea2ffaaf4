import { Badge, Code, Stack, Text, UnstyledButton } from '@mantine/core'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import type { Schemas } from '../../generated/operations.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Time } from '../../parts/time.tsx'
import { actionWords, actorWords, type Names } from './words.ts'

interface Props {
  readonly event: Schemas['AuditEvent']
  readonly names: Names
  readonly isOpen: boolean
  readonly onToggle: () => void
}

const outcomes = { refused: 'Refused', failed: 'Failed' } as const

/** Who did what, for whom, through which fabric; the rest when it is asked for. */
export function EventRow({ event, names, isOpen, onToggle }: Props) {
  const { action, onBehalfOf, fabricId, outcome, at, actor } = event
  const Chevron = isOpen ? IconChevronDown : IconChevronRight
  const isForAnother = onBehalfOf !== null && onBehalfOf !== actor.id
  return (
    <div className="row">
      <UnstyledButton className="audit-row" aria-expanded={isOpen} onClick={onToggle}>
        <Chevron size={16} aria-hidden />
        <Text size="sm" className="audit-words">
          <b>{actorWords(event, names)}</b> {actionWords(action)}
          {isForAnother && ` for ${names.get(onBehalfOf) ?? onBehalfOf}`}
          {fabricId && ` through ${names.get(fabricId) ?? fabricId}`}
        </Text>
        {outcome !== 'succeeded' && (
          <Badge variant="light" color="red" size="sm" radius="sm">
            {outcomes[outcome]}
          </Badge>
        )}
        <Text size="sm" c="dimmed" component="span" className="audit-time">
          <Time at={at} />
        </Text>
      </UnstyledButton>
      {isOpen && <Details event={event} />}
    </div>
  )
}

function Details({ event }: { readonly event: Schemas['AuditEvent'] }) {
  const { seq, at, action, actor, object, code, requestId, details, hash } = event
  return (
    <Stack gap="sm" px="lg" pb="md">
      <Facts
        facts={[
          ['Record', String(seq)],
          ['At', at],
          ['Action', action],
          ['Who', `${actor.kind.replace('_', ' ')} ${actor.id}`],
          ['On what', `${object.kind.replaceAll('_', ' ')} ${object.id}`],
          ['Problem', code],
          [
            'Request',
            requestId && <Copyable key="r" value={requestId} label="Copy the request id" />
          ],
          [
            'Hash',
            <Text key="h" span className="mono">
              {hash}
            </Text>
          ]
        ]}
      />
      {Object.keys(details).length > 0 && (
        <Code block className="wrapped">
          {JSON.stringify(details, null, 2)}
        </Code>
      )}
    </Stack>
  )
}
