import { Button } from '@mantine/core'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import type { TabProps } from './tab-props.ts'

interface Props extends TabProps {
  readonly principal: NonNullable<Schemas['Fabric']['servicePrincipal']>
}

/** Lets go of the secrets, once Databricks has the policy. */
export function FederationSwitch({ fabric, principal }: Props) {
  const confirm = useConfirm()
  const update = useCall('fabricUpdate', ['fabricGet', 'fabricList'])
  const change = async () => {
    const isSure = await confirm({
      title: 'Do without a secret?',
      text: 'The secrets are deleted here at once. If Databricks does not have the policy yet, unattended work fails until it has.',
      action: 'Do without',
      isDangerous: true
    })
    if (!isSure) return
    const servicePrincipal = { clientId: principal.clientId, federated: true }
    const body = { version: fabric.version, servicePrincipal }
    update.mutate(
      { path: { fabricId: fabric.id }, body },
      { onSuccess: () => toast('The service principal has no secret any more') }
    )
  }
  return (
    <>
      <Button size="xs" variant="light" loading={update.isPending} onClick={change}>
        Databricks has it: do without a secret
      </Button>
      {update.isError && <ProblemView error={update.error} />}
    </>
  )
}
