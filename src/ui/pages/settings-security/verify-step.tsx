import { Alert, Button, Group, Stack, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { formErrors } from '../../api/form-errors.ts'
import { queryOf } from '../../api/queries.ts'
import { useSteps } from '../../api/use-steps.ts'
import type { Schemas } from '../../generated/operations.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Steps } from '../../parts/steps.tsx'
import { Time } from '../../parts/time.tsx'
import { type App, appsChanged } from './app-status.tsx'

type Step = Schemas['VerificationStepResult']
type Verification = Schemas['AppConnectionVerification']

const words = {
  settings: 'Client ID and secret are set',
  host: 'The host is a Databricks workspace',
  dns: 'It has an address',
  tls: 'The encrypted connection holds',
  discovery: 'It offers OAuth',
  client_id: 'The account knows the client ID',
  redirect_uri: 'The redirect URI is registered',
  scopes: 'The scopes are allowed',
  offline_access: 'Sign-ins may last',
  client_secret: 'The account takes the secret'
}

interface Props {
  readonly app: App
  /** Whether there is something to verify. */
  readonly isReady: boolean
}

/** Asks one workspace what it makes of the client, step by step. */
export function VerifyStep({ app, isReady }: Props) {
  const queries = useQueryClient()
  const path = { appConnectionId: app.id }
  const usage = useQuery(queryOf('appConnectionUsage', { path }))
  const [workspaceUrl, setWorkspaceUrl] = useState('')
  const check = useSteps<Step, Verification, 'appConnectionVerify'>('appConnectionVerify')
  if (!isReady) return null
  const run = async () => {
    const typed = workspaceUrl.trim()
    await check.start({ path, body: typed === '' ? null : { workspaceUrl: typed } })
    await Promise.all(appsChanged.map((old) => queries.invalidateQueries({ queryKey: [old] })))
  }
  const { lastVerification: last } = app
  const isLive = check.isRunning || check.steps.length > 0
  const result = check.result ?? (isLive ? null : last)
  const isFirst = usage.data?.fabrics.length === 0
  const wrong = formErrors(check.error, ['workspaceUrl']).workspaceUrl
  return (
    <Stack gap="md" pt={6}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Group align="flex-end" gap="sm">
          <TextInput
            label="Workspace URL"
            description={
              isFirst
                ? 'Any workspace of the account, as it stands in the browser.'
                : 'Empty: the workspace of your newest fabric.'
            }
            placeholder="https://…"
            autoComplete="off"
            flex={1}
            miw={220}
            maw={560}
            value={workspaceUrl}
            onChange={(event) => setWorkspaceUrl(event.currentTarget.value)}
            error={wrong}
          />
          {check.isRunning ? (
            <Button variant="default" onClick={check.stop}>
              Stop
            </Button>
          ) : (
            <Button type="submit" variant={last?.ok ? 'default' : 'filled'}>
              {last ? 'Verify again' : 'Verify'}
            </Button>
          )}
        </Group>
      </form>
      {result && (
        <Alert
          color={result.ok ? 'teal' : 'red'}
          variant="light"
          role="status"
          title={result.ok ? 'Everything is right' : 'Not right yet'}
        >
          {result.ok
            ? 'People can sign in to Databricks as themselves now. '
            : 'The step that failed tells what to do. '}
          Asked at {result.workspaceHost} <Time at={result.checkedAt} />.
        </Alert>
      )}
      {(isLive || (last && !last.ok)) && (
        <Steps
          steps={isLive ? check.steps : (last?.steps ?? [])}
          expected={Object.keys(words)}
          isRunning={check.isRunning}
          words={words}
        />
      )}
      {check.error !== null && wrong === undefined && (
        <ProblemView error={check.error} onRetry={run} />
      )}
    </Stack>
  )
}
