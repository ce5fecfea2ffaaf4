import { Alert, Group, Text } from '@mantine/core'
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { queryOf } from '../../api/queries.ts'

/** Whether nobody has changed the record behind Weft's back. */
export function ChainMark() {
  const query = useQuery({ ...queryOf('auditVerify', {}), staleTime: 60_000 })
  if (query.isPending || query.isError) {
    return (
      <Text size="sm" c="dimmed">
        {query.isError ? 'The chain could not be checked now.' : 'Checking the chain …'}
      </Text>
    )
  }
  const { isIntact, count, firstBadSeq } = query.data
  if (isIntact) {
    return (
      <Group gap={6} wrap="nowrap">
        <IconShieldCheck size={18} aria-hidden />
        <Text size="sm">
          Chain verified: none of {count.toLocaleString('en')} records was changed or removed.
        </Text>
      </Group>
    )
  }
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      icon={<IconAlertTriangle aria-hidden />}
      title="The record has been changed"
    >
      Record {firstBadSeq} is the first that does not fit its chain. Keep a copy of the database and
      tell whoever runs Weft.
    </Alert>
  )
}
