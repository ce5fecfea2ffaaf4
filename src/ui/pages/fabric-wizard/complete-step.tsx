import { Alert, Anchor, Group, List, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { isCode, toProblem } from '../../api/problem.ts'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Facts } from '../../parts/facts.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { KindBadge } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { type StepId, stepOfField, steps } from './steps.ts'
import { type Fabric, valuesOf } from './values.ts'

interface Props {
  readonly fabric: Fabric
  readonly error: unknown
  readonly onStep: (step: StepId) => void
}

/** All that was set, what was tested, and what is missing. */
export function CompleteStep({ fabric, error, onStep }: Props) {
  const { compute, servicePrincipal } = fabric
  const { warehouseId, clusterId } = valuesOf(fabric).compute
  const tests = useQuery(queryOf('fabricTestResults', { path: { fabricId: fabric.id } }))
  const lines: readonly [StepId, string, React.ReactNode][] = [
    ['basics', 'Kind', <KindBadge key="kind" kind={fabric.kind} />],
    ['basics', 'Production', fabric.production ? 'yes' : null],
    ['workspace', 'Workspace', fabric.workspaceUrl],
    [
      'authentication',
      'People',
      fabric.authMethod === 'oauth' ? 'sign in with OAuth' : 'give a personal access token'
    ],
    [
      'authentication',
      'Unattended work',
      servicePrincipal ? `as ${servicePrincipal.clientId}` : 'does not run: no service principal'
    ],
    ['compute', 'Warehouse', warehouseId],
    ['compute', 'Cluster', clusterId],
    ['compute', 'Serverless', compute.serverless ? 'yes' : null],
    ['compute', 'Catalog and schema', [compute.catalog, compute.schema].filter(Boolean).join('.')],
    ['compute', 'Job sizes', fabric.jobSizes.map(({ name }) => name).join(', ')],
    ['test', 'Test as you', <Tested key="user" of={tests.data?.user} />],
    [
      'test',
      'Test as the principal',
      servicePrincipal && <Tested key="principal" of={tests.data?.servicePrincipal} />
    ]
  ]
  return (
    <Stack gap="md">
      <Facts
        facts={lines.map(([step, name, value]) => [
          name,
          value && (
            <Group key={name} justify="space-between" gap="sm" wrap="nowrap" align="flex-start">
              <span>{value}</span>
              <Change name={name} step={step} onStep={onStep} />
            </Group>
          )
        ])}
      />
      {isCode(error, 'fabric_incomplete') ? (
        <Alert color="yellow" variant="light" role="alert" title="Something is missing">
          <List size="sm">
            {toProblem(error).problem.errors?.map(({ pointer, message }) => {
              const step = stepOfField(pointer.slice(1))
              return (
                <List.Item key={pointer}>
                  {steps.find(({ id }) => id === step)?.words}: {message}.{' '}
                  <Anchor component="button" type="button" inherit onClick={() => onStep(step)}>
                    Go there
                  </Anchor>
                </List.Item>
              )
            })}
          </List>
        </Alert>
      ) : (
        error !== null && <ProblemView error={error} />
      )}
    </Stack>
  )
}

interface ChangeProps {
  readonly name: string
  readonly step: StepId
  readonly onStep: (step: StepId) => void
}

function Change({ name, step, onStep }: ChangeProps) {
  return (
    <Anchor
      component="button"
      type="button"
      size="sm"
      flex="none"
      aria-label={`${step === 'test' ? 'Go to' : 'Change'}: ${name}`}
      onClick={() => onStep(step)}
    >
      {step === 'test' ? 'Test' : 'Change'}
    </Anchor>
  )
}

function Tested({ of }: { readonly of: Schemas['TestRecord'] | undefined }) {
  if (of === undefined || of === null) return <Text size="sm">not yet</Text>
  const { result, testedAt, isOutdated } = of
  return (
    <Group gap={8}>
      <span className="dot" data-color={result.ok ? 'teal' : 'red'} aria-hidden />
      <span>
        {result.ok ? 'passed' : 'failed'} <Time at={testedAt} />
        {isOutdated && ', before the last change'}
      </span>
    </Group>
  )
}
