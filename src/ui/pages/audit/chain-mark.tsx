import { Alert, Button, FileButton, Group, Text } from '@mantine/core'
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { queryOf, useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { saveFile } from './export.ts'

type Verdict = Schemas['ChainVerdict']

/** Whether nobody has changed the record behind Weft's back, and what to hold it against later. */
export function ChainMark() {
  const query = useQuery({ ...queryOf('auditVerify', {}), staleTime: 60_000 })
  const against = useCall('auditVerifyAgainst')
  const head = useCall('auditHead')
  const keep = async () => {
    const { seq, jws } = await head.mutateAsync({})
    saveFile(`weft-audit-head-${seq}.txt`, [`${jws}\n`], 'text/plain')
  }
  const check = async (file: File | null) => {
    const anchors = (await file?.text())?.match(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g) ?? []
    if (file !== null) against.mutate({ body: { anchors: anchors.length > 0 ? anchors : ['-'] } })
  }
  const problem = against.error ?? head.error
  return (
    <>
      <Group justify="space-between" gap="sm">
        {query.data && !against.data ? (
          <Mark verdict={query.data} />
        ) : (
          against.data && <Mark verdict={against.data} isAgainstHead />
        )}
        {!query.data && (
          <Text size="sm" c="dimmed">
            {query.isError ? 'The chain could not be checked now.' : 'Checking the chain …'}
          </Text>
        )}
        <Group gap={4}>
          <Button variant="subtle" size="xs" loading={head.isPending} onClick={() => void keep()}>
            Keep its head
          </Button>
          <FileButton accept="text/plain,.txt,.jws,.log,.ndjson" onChange={check}>
            {(props) => (
              <Button variant="subtle" size="xs" loading={against.isPending} {...props}>
                Check against a kept head
              </Button>
            )}
          </FileButton>
        </Group>
      </Group>
      {problem && <ProblemView error={problem} />}
    </>
  )
}

const faultWords: Readonly<Record<NonNullable<Verdict['fault']>, string>> = {
  altered: 'it is not as it was written',
  missing: 'it is not there',
  inserted: 'it was put in later',
  reordered: 'it stands in another’s place',
  cut: 'the record ends before it, and a kept head knows it',
  rewritten: 'the record was written anew from there, and a kept head knows how it was'
}

function Mark({ verdict, isAgainstHead = false }: { verdict: Verdict; isAgainstHead?: boolean }) {
  const { isIntact, count, firstBadSeq, fault } = verdict
  if (isIntact) {
    return (
      <Group gap={6} wrap="nowrap" role="status" className="audit-mark">
        <IconShieldCheck size={18} aria-hidden />
        <Text size="sm">
          Chain verified{isAgainstHead && ' against the kept head'}: none of{' '}
          {count.toLocaleString('en')} records was changed or removed.
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
      Record {firstBadSeq} is the first that does not fit its chain
      {fault && `: ${faultWords[fault]}`}. Keep a copy of the database and tell whoever runs Weft.
    </Alert>
  )
}
