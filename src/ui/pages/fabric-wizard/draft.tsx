import { useForm } from '@mantine/form'
import { useLocalStorage } from '@mantine/hooks'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCall } from '../../api/queries.ts'
import { Page } from '../../parts/page.tsx'
import { toast } from '../../parts/toast.ts'
import { ConnectionTest } from '../fabric/connection-test.tsx'
import { FederationPolicy } from '../fabric/federation-policy.tsx'
import { AuthenticationFields } from './authentication-fields.tsx'
import { BasicsFields } from './basics-fields.tsx'
import { CompleteStep } from './complete-step.tsx'
import { ComputeFields } from './compute-fields.tsx'
import { descriptions } from './descriptions.ts'
import { DeleteDraft } from './fabric-removal.tsx'
import { StepFrame } from './frame.tsx'
import { SavingProblem } from './saving-problem.tsx'
import { faultsOf, isStep, type StepId, stepBeside } from './steps.ts'
import { useSaving } from './use-saving.ts'
import { type Fabric, type Values, valuesOf } from './values.ts'
import { WorkspaceFields } from './workspace-fields.tsx'

/** The wizard on a draft: every step is saved as one goes on, so that one can leave and come back. */
export function Draft({ fabric }: { readonly fabric: Fabric }) {
  const navigate = useNavigate()
  const search = useSearch({ strict: false })
  const [left, setLeft] = useLocalStorage<string>({
    key: `weft:wizard:${fabric.id}`,
    defaultValue: 'compute',
    getInitialValueInEffect: false
  })
  const step = [search.step, left].find(isStep) ?? 'compute'
  const form = useForm<Values>({ initialValues: valuesOf(fabric) })
  const saving = useSaving(fabric, form)
  const complete = useCall('fabricComplete', ['fabricGet', 'fabricList', 'capabilityList'])

  const show = (to: StepId) => {
    setLeft(to)
    complete.reset()
    navigate({
      to: '/fabrics/$fabricId/edit',
      params: { fabricId: fabric.id },
      search: { step: to }
    })
  }
  const leaveFor = async (to: StepId) => {
    const faults = faultsOf(step, form.getValues(), saving.base)
    form.setErrors(faults)
    if (Object.keys(faults).length === 0 && (await saving.save())) show(to)
  }
  const finish = async () => {
    try {
      await complete.mutateAsync({ path: { fabricId: fabric.id } })
    } catch {
      return // shown below
    }
    toast(`${fabric.name} is ready for your team`)
    await navigate({
      to: '/fabrics/$fabricId/$tab',
      params: { fabricId: fabric.id, tab: 'connection' }
    })
  }
  return (
    <Page
      title={fabric.name}
      description="A draft: only its team’s admins work on it. Every step is saved as you go on."
    >
      <StepFrame
        step={step}
        reached="complete"
        description={descriptions[step]}
        next={step === 'complete' ? 'Complete the fabric' : 'Next'}
        isBusy={saving.isSaving || complete.isPending}
        onNext={() => (step === 'complete' ? finish() : leaveFor(stepBeside(step, 1)))}
        onStep={leaveFor}
        aside={<DeleteDraft fabric={fabric} />}
      >
        {step === 'basics' && <BasicsFields form={form} isMade />}
        {step === 'workspace' && <WorkspaceFields form={form} fabric={saving.base} />}
        {step === 'authentication' && <AuthenticationFields form={form} fabric={saving.base} />}
        {step === 'compute' && <ComputeFields form={form} fabric={saving.base} />}
        {step === 'test' && <ConnectionTest fabric={saving.base} onSignedIn={() => {}} />}
        {step === 'test' && saving.base.servicePrincipal?.federated && (
          <FederationPolicy fabric={saving.base} />
        )}
        {step === 'complete' && (
          <CompleteStep fabric={saving.base} error={complete.error} onStep={show} />
        )}
        <SavingProblem form={form} saving={saving} onSaved={() => show(stepBeside(step, 1))} />
      </StepFrame>
    </Page>
  )
}
