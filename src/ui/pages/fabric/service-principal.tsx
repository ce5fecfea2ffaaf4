import { Button, Group, SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useState } from 'react'
import { useIsTeamAdmin } from '../../api/me.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import { FederationPolicy } from './federation-policy.tsx'
import { PrincipalForm } from './principal-form.tsx'
import { PrincipalSecrets } from './principal-secrets.tsx'
import type { TabProps } from './tab-props.ts'

type Use = Schemas['Fabric']['servicePrincipalUse']

/** The identity that unattended work runs as: set, its secret replaced, taken away. */
export default function ServicePrincipal({ fabric }: TabProps) {
  const isAdmin = useIsTeamAdmin(fabric.teamId)
  const [isAdding, setIsAdding] = useState(false)
  if (fabric.servicePrincipal !== null) {
    return (
      <Stack gap="lg">
        <Principal fabric={fabric} isAdmin={isAdmin} principal={fabric.servicePrincipal} />
        <PrincipalSecrets fabric={fabric} isAdmin={isAdmin} principal={fabric.servicePrincipal} />
        {isAdmin && <FederationPolicy fabric={fabric} />}
      </Stack>
    )
  }
  if (isAdding) return <PrincipalForm fabric={fabric} onDone={() => setIsAdding(false)} />
  return (
    <Empty
      icon={<IconKey size={22} />}
      title="No service principal"
      action={isAdmin && <Button onClick={() => setIsAdding(true)}>Set a service principal</Button>}
    >
      People use this fabric as themselves. Services, schedules and deployments need a Databricks
      identity of their own, which is not there yet.{' '}
      {!isAdmin && 'An admin of your team can set one.'}
    </Empty>
  )
}

interface Props extends TabProps {
  readonly isAdmin: boolean
  readonly principal: NonNullable<Schemas['Fabric']['servicePrincipal']>
}

const uses = [
  { value: 'admins', label: 'Admins of the team' },
  { value: 'team', label: 'The whole team' }
]

function Principal({ fabric, isAdmin, principal }: Props) {
  const confirm = useConfirm()
  const [isReplacing, setIsReplacing] = useState(false)
  const update = useCall('fabricUpdate', ['fabricGet', 'fabricList'])
  const path = { fabricId: fabric.id }
  const setUse = (use: string) => {
    const servicePrincipalUse: Use = use === 'team' ? 'team' : 'admins'
    update.mutate({ path, body: { version: fabric.version, servicePrincipalUse } })
  }
  const remove = async () => {
    const isSure = await confirm({
      title: 'Take the service principal away?',
      text: 'Services, schedules and deployments that use this fabric stop working at once. Its secrets are deleted here; at Databricks they stay.',
      action: 'Take it away',
      isDangerous: true,
      typed: fabric.name
    })
    if (!isSure) return
    update.mutate(
      { path, body: { version: fabric.version, servicePrincipal: null } },
      { onSuccess: () => toast('The service principal is gone') }
    )
  }
  if (isReplacing) return <PrincipalForm fabric={fabric} onDone={() => setIsReplacing(false)} />
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Stack gap={2}>
          <Title order={2}>Service principal</Title>
          <Text size="sm" c="dimmed">
            What services, schedules and deployments are at the workspace. It never stands in for a
            person.
          </Text>
        </Stack>
        {isAdmin && (
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => setIsReplacing(true)}>
              Use another
            </Button>
            {!fabric.production && (
              <Button size="xs" variant="subtle" color="red" onClick={remove}>
                Take away
              </Button>
            )}
          </Group>
        )}
      </Group>
      <Facts
        facts={[
          [
            'Application ID',
            <Copyable key="id" value={principal.clientId} label="Copy the application ID" />
          ],
          [
            'People who may run as it',
            isAdmin ? (
              <SegmentedControl
                key="use"
                size="xs"
                aria-label="People who may run as it"
                data={uses}
                value={fabric.servicePrincipalUse}
                disabled={update.isPending}
                onChange={setUse}
              />
            ) : (
              uses.find(({ value }) => value === fabric.servicePrincipalUse)?.label
            )
          ]
        ]}
      />
      {update.isError && <ProblemView error={update.error} />}
    </Stack>
  )
}
