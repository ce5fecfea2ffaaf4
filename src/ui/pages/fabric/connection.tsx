import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { queryOf, useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { causeWords, connectionWords } from '../../parts/connection-words.ts'
import { Facts } from '../../parts/facts.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { SignInPrompt } from '../../parts/sign-in-prompt.tsx'
import { StateMark } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { toast } from '../../parts/toast.ts'
import { TokenForm } from '../../parts/token-prompt.tsx'
import { ConnectionTest } from './connection-test.tsx'
import { isHeldIn } from './held.ts'
import type { TabProps } from './tab-props.ts'

type Connection = Schemas['Connection']

/** Who one is at the workspace, how long that lasts, and whether it works. */
export default function MyConnection({ fabric }: TabProps) {
  const input = { path: { fabricId: fabric.id } }
  const query = useQuery(queryOf('connectionGet', input))
  if (query.isError) return <ProblemView error={query.error} onRetry={() => query.refetch()} />
  if (!query.data) return <Loading of="your connection" />
  const isHeld = isHeldIn(query.data.state)
  return (
    <Stack gap="lg">
      {fabric.authMethod === 'oauth' && !isHeld && query.data.state !== 'misconfigured' && (
        <SignInPrompt fabricId={fabric.id} onDone={() => query.refetch()}>
          Sign in once as yourself at {fabric.workspaceUrl.replace(/^https?:\/\//, '')}. What you
          run through this fabric then runs as you, with your own permissions.
        </SignInPrompt>
      )}
      {isHeld &&
        query.data.warnings.map(({ code, message }) =>
          fabric.authMethod === 'oauth' && code === 'sign_in_expiring' ? (
            <SignInPrompt
              key={code}
              fabricId={fabric.id}
              title={message}
              onDone={() => query.refetch()}
            >
              What you have goes on until then; a new one lasts from now.
            </SignInPrompt>
          ) : (
            <Alert key={code} color="yellow" variant="light" title={message} />
          )
        )}
      <SignedIn fabric={fabric} connection={query.data} isHeld={isHeld} />
      {fabric.authMethod === 'pat' && (
        <Stack className="card" p="lg" gap="xs">
          <Title order={2}>{isHeld ? 'Replace your token' : 'Give your own token'}</Title>
          <TokenForm
            fabric={fabric}
            action={isHeld ? 'Replace it' : 'Give it'}
            onDone={() => toast('The workspace took the token')}
          />
        </Stack>
      )}
      <ConnectionTest fabric={fabric} onSignedIn={() => query.refetch()} />
    </Stack>
  )
}

interface SignedInProps extends TabProps {
  readonly connection: Connection
  readonly isHeld: boolean
}

const leaving = {
  oauth: {
    title: 'Sign out of the workspace?',
    text: 'Weft forgets your sign-in, for every fabric at this workspace that shares it. What you run now as yourself needs a new one.',
    action: 'Sign out',
    done: 'You are signed out of the workspace'
  },
  pat: {
    title: 'Remove your token?',
    text: 'Weft forgets it, for every fabric at this workspace that shares it. Revoke it at the workspace as well, if nothing else needs it.',
    action: 'Remove token',
    done: 'Your token is removed'
  }
}

function SignedIn({ fabric, connection, isHeld }: SignedInProps) {
  const confirm = useConfirm()
  const signOut = useCall('connectionDelete', ['connectionGet', 'fabricList'])
  const { done, ...question } = leaving[fabric.authMethod]
  const leave = async () => {
    if (!(await confirm(question))) return
    signOut.mutate({ path: { fabricId: fabric.id } }, { onSuccess: () => toast(done) })
  }
  const { workspaceUser } = connection
  return (
    <Stack className="card" p="lg" gap="md">
      <Group justify="space-between">
        <Title order={2}>Who you are there</Title>
        {isHeld && (
          <Button variant="default" size="xs" loading={signOut.isPending} onClick={leave}>
            {question.action}
          </Button>
        )}
      </Group>
      {signOut.isError && <ProblemView error={signOut.error} />}
      <Facts
        facts={[
          [
            'State',
            <Group key="state" gap={6}>
              <StateMark
                state={connection.state}
                words={connectionWords(connection, fabric.authMethod)}
              />
              {connection.since && (
                <Text size="sm" c="dimmed">
                  <Time at={connection.since} />
                </Text>
              )}
            </Group>
          ],
          ['Because', connection.cause && causeWords(connection.cause, fabric.authMethod)],
          ['Workspace user', workspaceUser && `${workspaceUser.userName} (${workspaceUser.id})`],
          ...endFacts(fabric.authMethod, connection),
          ['Tried again', connection.nextTryAt && <Time at={connection.nextTryAt} key="next" />]
        ]}
      />
    </Stack>
  )
}

type Fact = readonly [name: string, value: ReactNode]

/** When one has to do something again, and what happens without. */
function endFacts(
  authMethod: Schemas['Fabric']['authMethod'],
  { predictedSignInAt, accessTokenExpiresAt }: Connection
): readonly Fact[] {
  if (authMethod === 'pat') {
    const end = predictedSignInAt && (
      <span key="end">
        expires <Time at={predictedSignInAt} />; paste a new one before
      </span>
    )
    return [['Your token', end]]
  }
  const renewal = accessTokenExpiresAt && (
    <span key="token">
      renewed <Time at={accessTokenExpiresAt} />, by itself
    </span>
  )
  return [
    ['Sign-in lasts until', predictedSignInAt && <Time at={predictedSignInAt} key="until" />],
    ['Access token', renewal]
  ]
}
