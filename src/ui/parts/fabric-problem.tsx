import { Alert, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { WorkspaceError } from '../api/fabric-answer.ts'
import { Copyable } from './copy.tsx'
import { ProblemView } from './problem-view.tsx'

function titleOf({ status, code }: WorkspaceError): string {
  if (status === null) return code ? `The workspace says ${code}` : 'The workspace says no'
  return `The workspace answered ${status}${code ? `, ${code}` : ''}`
}

interface Props {
  readonly error: unknown
  readonly onRetry?: () => void
}

/** What went wrong with a call through a fabric: Weft's own problem, or the workspace's own words. */
export function FabricProblem({ error, onRetry }: Props) {
  if (!(error instanceof WorkspaceError)) {
    return <ProblemView error={error} {...(onRetry && { onRetry })} />
  }
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      icon={<IconAlertTriangle aria-hidden />}
      title={titleOf(error)}
    >
      <Stack gap="xs">
        <Text size="sm" className="words-of-others">
          {error.message}
        </Text>
        <Text size="sm">
          These are the workspace’s own words: Weft reached it, and it refused what was asked.
        </Text>
        {error.requestId && (
          <Group gap={6}>
            <Text size="xs">Request</Text>
            <Copyable value={error.requestId} label="Copy the request id" />
          </Group>
        )}
      </Stack>
    </Alert>
  )
}
