import { Button, Group, Select, Stack, Text, Textarea, Title } from '@mantine/core'
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useMe } from '../../../api/me.ts'
import { isCode } from '../../../api/problem.ts'
import { queryOf } from '../../../api/queries.ts'
import { Loading } from '../../../parts/page.tsx'
import { ProblemView } from '../../../parts/problem-view.tsx'
import { SignInPrompt } from '../../../parts/sign-in-prompt.tsx'
import { ActAs } from '../act-as.tsx'
import { baseUrlsOf } from '../base-urls.ts'
import { isHeldIn } from '../held.ts'
import type { TabProps } from '../tab-props.ts'
import { AnswerView } from './answer-view.tsx'
import { useDraft } from './draft.ts'
import { EndpointPicker, useEndpoints } from './endpoint-picker.tsx'
import { exampleOf, faultOf, kindNames, kindOf, kinds } from './examples.ts'
import { SameCallView } from './same-call-view.tsx'
import { useAsk } from './use-ask.ts'
import './playground.css'

/** Asks an endpoint from the page, and shows how a program would. */
export default function Playground({ fabric }: TabProps) {
  const connection = useQuery(queryOf('connectionGet', { path: { fabricId: fabric.id } }))
  // It decides what stands first: nothing is to jump once one has begun to read.
  if (connection.isPending) return <Loading of="the playground" />
  const isSignedIn = connection.data === undefined || isHeldIn(connection.data.state)
  return <Ask fabric={fabric} isSignedIn={isSignedIn} />
}

function Ask({ fabric, isSignedIn }: TabProps & { readonly isSignedIn: boolean }) {
  const { tenant } = useMe()
  const [draft, change] = useDraft(fabric.id)
  const { endpoint, kind, body, as } = draft
  const endpoints = useEndpoints(fabric.id, as, endpoint)
  const { ask, stop, ...asked } = useAsk(fabric.id)
  const fault = faultOf(body)
  const isRunning = asked.status === 'running'
  const run = () => ask({ endpoint: endpoint.trim(), body, as })

  const isRefused = endpoints.isError && isCode(endpoints.error, 'sign_in_needed')
  const isListLocked = isRefused || (as === 'user' && !isSignedIn)
  const isCallLocked = asked.status === 'failed' && isCode(asked.error, 'sign_in_needed')
  const goOn = () => {
    endpoints.refetch()
    if (isCallLocked) run()
  }

  const setKind = (next: typeof kind) => {
    const isUntouched = body === exampleOf(kind) || body.trim() === ''
    change({ kind: next, ...(isUntouched && { body: exampleOf(next) }) })
  }
  const pick = (name: string) => {
    const found = endpoints.data?.items.find((one) => one.name === name)
    const next = found ? kindOf(found.type) : kind
    const isUntouched = body === exampleOf(kind) || body.trim() === ''
    change({ endpoint: name, kind: next, ...(isUntouched && { body: exampleOf(next) }) })
  }
  return (
    <Stack gap="lg">
      <Stack
        component="form"
        className="card"
        p="lg"
        gap="md"
        onSubmit={(event) => {
          event.preventDefault()
          if (endpoint.trim() !== '' && fault === null) run()
        }}
      >
        <Group justify="space-between">
          <Stack gap={2}>
            <Title order={2}>Ask an endpoint</Title>
            <Text size="sm" c="dimmed">
              It goes the same way as a program’s call, through this fabric.
            </Text>
          </Stack>
          <ActAs fabric={fabric} value={as} onChange={(next) => change({ as: next })} />
        </Group>
        {(isListLocked || isCallLocked) && (
          <SignInPrompt
            fabricId={fabric.id}
            onDone={goOn}
            {...(isCallLocked && { title: 'Sign in, and the call goes on by itself' })}
          />
        )}
        {endpoints.isError && !isRefused && (
          <ProblemView error={endpoints.error} onRetry={() => endpoints.refetch()} />
        )}
        <div className="playground-grid">
          <EndpointPicker
            value={endpoint}
            onChange={pick}
            items={endpoints.data?.items ?? []}
            isLoading={endpoints.isFetching}
            isCut={endpoints.data?.isCut === true || endpoints.data?.nextCursor != null}
          />
          <Select
            label="Kind"
            allowDeselect={false}
            value={kind}
            onChange={(next) => {
              const found = kindNames.find((name) => name === next)
              if (found) setKind(found)
            }}
            data={kindNames.map((value) => ({ value, label: kinds[value].words }))}
          />
        </div>
        <Textarea
          label="Body"
          className="mono-input"
          autosize
          minRows={6}
          maxRows={20}
          spellCheck={false}
          value={body}
          error={fault}
          onChange={({ currentTarget }) => change({ body: currentTarget.value })}
          onKeyDown={({ key, ctrlKey, metaKey, currentTarget }) => {
            if (key === 'Enter' && (ctrlKey || metaKey)) currentTarget.form?.requestSubmit()
          }}
        />
        <Group justify="space-between">
          <Button
            variant="subtle"
            size="xs"
            disabled={body === exampleOf(kind)}
            onClick={() => change({ body: exampleOf(kind) })}
          >
            Back to the example
          </Button>
          {isRunning ? (
            <Button variant="default" onClick={stop} leftSection={<IconPlayerStop size={16} />}>
              Stop
            </Button>
          ) : (
            <Button
              type="submit"
              leftSection={<IconPlayerPlay size={16} />}
              disabled={endpoint.trim() === '' || fault !== null}
            >
              Run
            </Button>
          )}
        </Group>
      </Stack>
      <AnswerView asked={asked} onRetry={run} isSignInShown={isCallLocked} />
      {endpoint.trim() !== '' && fault === null && (
        <SameCallView
          call={{
            baseUrl: baseUrlsOf(fabric, tenant.slug).byPath,
            endpoint: endpoint.trim(),
            kind,
            body,
            isPrincipal: as === 'service_principal'
          }}
        />
      )}
    </Stack>
  )
}
