import { useForm } from '@mantine/form'
import { useSessionStorage } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useMayCreate } from '../../api/me.ts'
import { isCode } from '../../api/problem.ts'
import { useCall } from '../../api/queries.ts'
import { Page } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { AuthenticationFields } from './authentication-fields.tsx'
import { BasicsFields, useOwnTeams } from './basics-fields.tsx'
import { descriptions } from './descriptions.ts'
import { StepFrame } from './frame.tsx'
import { faultsOf, type StepId, stepBeside, stepOfField } from './steps.ts'
import { emptyValues, fieldErrors, newFabricOf, type Values } from './values.ts'
import { WorkspaceFields } from './workspace-fields.tsx'

interface Begun {
  readonly step: 'basics' | 'workspace' | 'authentication'
  readonly values: Partial<Values>
}

const withoutSecret = (values: Values): Values => ({
  ...values,
  servicePrincipal: { ...values.servicePrincipal, clientSecret: '' }
})

/** The first three steps, until there is enough for a draft; kept in this tab, but for the secret. */
export function WizardPage() {
  const navigate = useNavigate()
  const mayCreate = useMayCreate()
  const teams = useOwnTeams()
  const [begun, setBegun, forget] = useSessionStorage<Begun>({
    key: 'weft:new-fabric',
    defaultValue: { step: 'basics', values: {} },
    getInitialValueInEffect: false
  })
  const form = useForm<Values>({ initialValues: { ...emptyValues, ...begun.values } })
  const create = useCall('fabricCreate', ['fabricList', 'capabilityList'])
  const { step } = begun
  const { setFieldValue } = form
  const [firstTeam] = teams
  const isTeamChosen = form.values.teamId !== ''
  useEffect(() => {
    if (!isTeamChosen && firstTeam) setFieldValue('teamId', firstTeam.id)
  }, [isTeamChosen, firstTeam, setFieldValue])

  const goTo = (to: StepId) => {
    const values = form.getValues()
    const isHere = to === 'basics' || to === 'workspace' || to === 'authentication'
    setBegun({ step: isHere ? to : step, values: withoutSecret(values) })
  }
  const goBack = (to: StepId) => {
    create.reset()
    goTo(to)
  }
  const goOn = async () => {
    const values = form.getValues()
    const faults = faultsOf(step, values, null)
    form.setErrors(faults)
    if (Object.keys(faults).length > 0) return
    if (step !== 'authentication') return goBack(stepBeside(step, 1))
    try {
      const { id } = await create.mutateAsync({ body: newFabricOf(values) })
      forget()
      await navigate({
        to: '/fabrics/$fabricId/edit',
        params: { fabricId: id },
        search: { step: 'compute' },
        replace: true
      })
    } catch (err) {
      const errors = fieldErrors(err)
      const [wrong] = isCode(err, 'host_not_allowed') ? ['address'] : Object.keys(errors)
      if (wrong !== undefined) goTo(stepOfField(wrong))
      form.setErrors(errors)
    }
  }
  if (!mayCreate) {
    return (
      <Page
        title="New fabric"
        description="Admins of a team add its fabrics. Ask one of your team, or an admin of your organisation."
      />
    )
  }
  return (
    <Page
      title="New fabric"
      description="A workspace, how your team signs in there, and what it runs on."
    >
      <StepFrame
        step={step}
        reached={step}
        description={descriptions[step]}
        next="Next"
        isBusy={create.isPending}
        onNext={goOn}
        onStep={goBack}
      >
        {step === 'basics' && <BasicsFields form={form} isMade={false} />}
        {step === 'workspace' && <WorkspaceFields form={form} fabric={null} />}
        {step === 'authentication' && <AuthenticationFields form={form} fabric={null} />}
        {create.isError && <ProblemView error={create.error} />}
      </StepFrame>
    </Page>
  )
}
