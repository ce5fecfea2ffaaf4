import { Button, Code, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queryOf } from '../../api/queries.ts'
import { Copyable, CopyWithWords } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { FederationSwitch } from './federation-switch.tsx'
import { PolicyRegistration } from './policy-registration.tsx'
import type { TabProps } from './tab-props.ts'

/** How the service principal can do without a secret: what Databricks has to be told, once. */
export function FederationPolicy({ fabric }: TabProps) {
  const [isOpen, setIsOpen] = useState(false)
  const [isMaking, setIsMaking] = useState(false)
  const input = { path: { fabricId: fabric.id } }
  const query = useQuery({ ...queryOf('federationPolicyGet', input), enabled: isOpen })
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Stack gap={2} maw={640}>
          <Title order={2}>Without a secret</Title>
          <Text size="sm" c="dimmed">
            With a federation policy Databricks believes Weft's own signature for this service
            principal. An account admin makes it once, and there is no secret to replace.
          </Text>
        </Stack>
        <Group gap="xs">
          {!isOpen && (
            <Button size="xs" variant="default" onClick={() => setIsOpen(true)}>
              Show the policy
            </Button>
          )}
          <Button size="xs" variant="light" onClick={() => setIsMaking(true)}>
            Let Weft make it
          </Button>
        </Group>
      </Group>
      <PolicyRegistration
        fabric={fabric}
        isOpen={isMaking}
        onClose={() => setIsMaking(false)}
        onMade={() => setIsOpen(true)}
      />
      {isOpen && query.isPending && <Loading of="the policy" />}
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {query.data && (
        <>
          <Facts
            facts={[
              ['Issuer', <Copyable key="i" value={query.data.issuer} label="Copy the issuer" />],
              ['Subject', <Copyable key="s" value={query.data.subject} label="Copy the subject" />],
              ['Audience', query.data.audiences.join(', ')]
            ]}
          />
          <Stack gap={6}>
            <Group justify="space-between">
              <Text size="sm" fw={500}>
                As a command of the Databricks CLI
              </Text>
              <CopyWithWords value={query.data.command} label="Copy the command" />
            </Group>
            <Code block className="wrapped">
              {query.data.command}
            </Code>
          </Stack>
          {fabric.servicePrincipal && !fabric.servicePrincipal.federated && (
            <Group>
              <FederationSwitch fabric={fabric} principal={fabric.servicePrincipal} />
            </Group>
          )}
        </>
      )}
    </Stack>
  )
}
