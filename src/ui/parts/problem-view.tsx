import { Alert, Anchor, Button, Group, List, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { type Owner, toProblem } from '../api/problem.ts'
import { Copyable } from './copy.tsx'
import { Time } from './time.tsx'

/** Whose move it is, in words for the person who reads it. */
export const moves: Readonly<Record<Owner, string>> = {
  caller: 'You can mend this yourself.',
  team_admin: 'An admin of the team can mend this.',
  tenant_admin: 'An admin of your organisation can mend this.',
  provider_admin: 'An admin of the Databricks workspace or account can mend this.',
  upstream: 'The workspace or identity provider has a fault; try again later.',
  platform: 'Weft has a fault; whoever runs it can mend this.'
}

interface Props {
  readonly error: unknown
  readonly onRetry?: () => void
  /** What else can be done about it here. */
  readonly children?: ReactNode
}

/** What went wrong, whose move it is, what to do, and what to quote. */
export function ProblemView({ error, onRetry, children }: Props) {
  const { problem, requestId } = toProblem(error)
  const { detail = problem.title, errors = [] } = problem
  const isToldBelow = errors.some(({ message }) => detail.includes(message))
  return (
    <Alert
      color="red"
      variant="light"
      title={problem.title}
      icon={<IconAlertTriangle aria-hidden />}
      role="alert"
    >
      <Stack gap="xs">
        {detail !== problem.title && !isToldBelow && <Text size="sm">{detail}</Text>}
        {errors.length > 0 && (
          <List size="sm">
            {errors.map(({ pointer, message }) => (
              <List.Item key={pointer + message}>
                {pointer === '' ? message : `${pointer.slice(1)}: ${message}`}
              </List.Item>
            ))}
          </List>
        )}
        <Text size="sm">{moves[problem.owner]}</Text>
        {problem.retryAt && (
          <Text size="sm">
            Weft tries again <Time at={problem.retryAt} />.
          </Text>
        )}
        <Group gap="sm">
          {onRetry && (
            <Button size="xs" variant="default" onClick={onRetry}>
              Try again
            </Button>
          )}
          {problem.actionUrl && (
            <Anchor size="sm" href={problem.actionUrl}>
              Go where it can be mended
            </Anchor>
          )}
          {children}
        </Group>
        {requestId && (
          <Group gap={6}>
            <Text size="xs">Request</Text>
            <Copyable value={requestId} label="Copy the request id" />
          </Group>
        )}
      </Stack>
    </Alert>
  )
}
