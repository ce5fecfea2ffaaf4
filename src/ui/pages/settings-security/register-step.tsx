import { Anchor, Button, Collapse, Group, Input, List, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Copyable, CopyWithWords } from '../../parts/copy.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import type { App } from './app-status.tsx'
import { AutoRegister } from './auto-register.tsx'

type Cloud = Schemas['AppConnectionSetup']['clouds'][number]

interface Props {
  readonly app: App
  readonly isDone: boolean
}

/** The redirect URI, and what an account admin clicks and types, cloud by cloud. */
export function RegisterStep({ app, isDone }: Props) {
  const [isShown, setIsShown] = useState(!isDone)
  const [isRegistering, setIsRegistering] = useState(false)
  return (
    <Stack gap="md" pt={6}>
      <Stack gap={4}>
        <Input.Label labelElement="div">Redirect URI</Input.Label>
        <div className="value-box">
          <Text span className="mono">
            {app.redirectUri}
          </Text>
          <CopyWithWords value={app.redirectUri} label="Copy" />
        </div>
      </Stack>
      {isDone && (
        <Group>
          <Anchor
            component="button"
            size="sm"
            aria-expanded={isShown}
            onClick={() => setIsShown(!isShown)}
          >
            {isShown ? 'Hide the steps' : 'Show the steps again'}
          </Anchor>
        </Group>
      )}
      <Collapse expanded={isShown}>{isShown && <Setup app={app} />}</Collapse>
      {!isDone && (
        <Group gap={6}>
          <Text size="sm" c="dimmed">
            You have an account admin’s service principal?
          </Text>
          <Anchor component="button" size="sm" onClick={() => setIsRegistering(true)}>
            Let Weft register itself
          </Anchor>
          <AutoRegister
            isOpen={isRegistering}
            onClose={() => setIsRegistering(false)}
            onDone={() => setIsShown(false)}
            name={app.name}
            appConnectionId={app.id}
          />
        </Group>
      )}
    </Stack>
  )
}

function Setup({ app }: { readonly app: App }) {
  const setup = useQuery(queryOf('appConnectionSetup', { path: { appConnectionId: app.id } }))
  const [chosen, setChosen] = useState('aws')
  if (setup.isError) return <ProblemView error={setup.error} onRetry={() => setup.refetch()} />
  if (!setup.data) return <Stack mih={420} />
  const { clouds, propagationMinutes } = setup.data
  const cloud = clouds.find((one) => one.cloud === chosen) ?? clouds[0]
  if (cloud === undefined) return null
  return (
    <Stack gap="md">
      <Select
        label="Where your Databricks runs"
        maw={280}
        data={clouds.map((one) => ({ value: one.cloud, label: one.cloudName }))}
        value={cloud.cloud}
        allowDeselect={false}
        onChange={(value) => value && setChosen(value)}
      />
      <ConsoleSteps cloud={cloud} />
      <Text size="xs" c="dimmed">
        Databricks may take up to {propagationMinutes} minutes to apply what is saved there.
      </Text>
    </Stack>
  )
}

/** To be sent to whoever is an account admin. */
function asText({ steps, consoleUrl }: Cloud): string {
  const lines = steps.map(({ text, values }, at) => [`${at + 1}. ${text}`, ...values].join('\n   '))
  return [consoleUrl, ...lines].join('\n')
}

function ConsoleSteps({ cloud }: { readonly cloud: Cloud }) {
  const [isCommandShown, setIsCommandShown] = useState(false)
  return (
    <>
      <Anchor href={cloud.consoleUrl} target="_blank" rel="noreferrer" size="sm">
        Open the {cloud.cloudName} account console
      </Anchor>
      <List type="ordered" size="sm" className="console-steps" aria-label="In the account console">
        {cloud.steps.map(({ text, values }) => (
          <List.Item key={text}>
            {text}
            {values.map((value) => (
              <Copyable key={value} value={value} label={`Copy ${value}`} />
            ))}
          </List.Item>
        ))}
      </List>
      <Group gap="xs">
        <CopyWithWords value={asText(cloud)} label="Copy all steps to send them" />
        <Button
          variant="subtle"
          size="xs"
          aria-expanded={isCommandShown}
          onClick={() => setIsCommandShown(!isCommandShown)}
        >
          {isCommandShown ? 'Hide the command' : 'Or as one command'}
        </Button>
      </Group>
      {isCommandShown && (
        <Stack gap="xs" align="flex-start">
          <pre className="mono command">{cloud.command}</pre>
          <CopyWithWords value={cloud.command} label="Copy the command" />
        </Stack>
      )}
    </>
  )
}
