import { Alert, Button, Group, SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useSteps } from '../../api/use-steps.ts'
import type { Schemas } from '../../generated/operations.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { SignInPrompt } from '../../parts/sign-in-prompt.tsx'
import { Steps } from '../../parts/steps.tsx'
import type { TabProps } from './tab-props.ts'

type As = Schemas['ConnectionTest']['as']

const order = ['host', 'dns', 'tls', 'discovery', 'token', 'identity', 'scopes', 'compute']
export const stepWords = {
  host: 'The host is a Databricks workspace',
  dns: 'It has an address',
  tls: 'The encrypted connection holds',
  discovery: 'It offers OAuth',
  token: 'Weft gets a token',
  identity: 'The workspace knows who it is',
  scopes: 'The permissions suffice',
  compute: 'The compute is there'
}

interface Props extends TabProps {
  readonly onSignedIn: () => void
}

/** Tries the whole way step by step, as oneself or as the service principal, and shows each as it ends. */
export function ConnectionTest({ fabric, onSignedIn }: Props) {
  const [as, setAs] = useState<As>('user')
  const test = useSteps<Schemas['TestStepResult'], Schemas['TestResult'], 'fabricTest'>(
    'fabricTest'
  )
  const run = () => test.start({ path: { fabricId: fabric.id }, body: { as } })
  const again = () => {
    onSignedIn()
    run()
  }
  const { result } = test
  const isSignInNeeded = as === 'user' && test.steps.some(({ code }) => code === 'sign_in_needed')
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Stack gap={2}>
          <Title order={2}>Test connection</Title>
          <Text size="sm" c="dimmed">
            Every step of the way to {fabric.compute.warehouseId ? 'the warehouse' : 'the compute'},
            one after the other.
          </Text>
        </Stack>
        <Group gap="sm">
          {fabric.servicePrincipal && (
            <SegmentedControl
              size="xs"
              aria-label="Test as"
              value={as}
              onChange={(value) => setAs(value === 'user' ? 'user' : 'service_principal')}
              data={[
                { value: 'user', label: 'As me' },
                { value: 'service_principal', label: 'As the service principal' }
              ]}
            />
          )}
          {test.isRunning ? (
            <Button variant="default" size="sm" onClick={test.stop}>
              Stop
            </Button>
          ) : (
            <Button size="sm" variant="light" onClick={run}>
              Test connection
            </Button>
          )}
        </Group>
      </Group>
      {(test.isRunning || test.steps.length > 0) && (
        <Steps
          steps={test.steps}
          expected={order}
          isRunning={test.isRunning}
          progress={test.progress}
          words={stepWords}
        />
      )}
      {test.error !== null && <ProblemView error={test.error} onRetry={run} />}
      {result && (
        <Alert
          color={result.ok ? 'teal' : 'red'}
          variant="light"
          role="status"
          title={result.ok ? 'The connection holds' : 'The connection does not hold'}
        >
          {result.identity && `Weft is ${result.identity.userName} there.`}
        </Alert>
      )}
      {isSignInNeeded && <SignInPrompt fabricId={fabric.id} onDone={again} />}
    </Stack>
  )
}
