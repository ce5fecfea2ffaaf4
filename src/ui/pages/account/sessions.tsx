import { Badge, Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queryOf, useCall } from '../../api/queries.ts'
import { useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { toast, toastProblem } from '../../parts/toast.ts'

const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari']
]
const systems: readonly (readonly [RegExp, string])[] = [
  [/Windows/, 'Windows'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/Android/, 'Android'],
  [/Linux/, 'Linux']
]

/** `Firefox on Windows`, as far as the user agent tells. */
function deviceOf(userAgent: string): string {
  const find = (kinds: typeof browsers) => kinds.find(([sign]) => sign.test(userAgent))?.[1]
  const [browser, system] = [find(browsers), find(systems)]
  if (browser === undefined) return userAgent.slice(0, 60) || 'Unknown browser'
  return system === undefined ? browser : `${browser} on ${system}`
}

/** Where one is logged in to Weft. */
export function Sessions() {
  const query = useQuery(queryOf('sessionList', {}))
  const confirm = useConfirm()
  const end = useCall('sessionDelete', ['sessionList'])
  const endOthers = useCall('sessionDeleteOthers', ['sessionList'])
  const others = query.data?.items.filter(({ isCurrent }) => !isCurrent) ?? []
  const logOutElsewhere = async () => {
    const isSure = await confirm({
      title: 'Log out everywhere else?',
      text: 'Every other browser that is logged in as you has to log in again. This one stays.',
      action: 'Log out elsewhere'
    })
    if (!isSure) return
    endOthers.mutate({}, { onSuccess: () => toast('Only this browser is logged in now') })
  }
  return (
    <Section
      title="Sessions"
      description="Browsers that are logged in to Weft as you. End one that you do not know."
      action={
        others.length > 0 && (
          <Button
            variant="default"
            size="xs"
            loading={endOthers.isPending}
            onClick={logOutElsewhere}
          >
            Log out elsewhere
          </Button>
        )
      }
    >
      {query.isError && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {endOthers.isError && <ProblemView error={endOthers.error} />}
      <ul className="plain-list" aria-label="Sessions">
        {query.data?.items.map((session) => (
          <li key={session.id} className="section-row">
            <Group gap={8}>
              <Text size="sm" fw={500}>
                {deviceOf(session.userAgent)}
              </Text>
              {session.isCurrent && (
                <Badge variant="light" color="teal" size="sm" radius="sm">
                  This one
                </Badge>
              )}
            </Group>
            <Text size="sm" c="dimmed">
              Used <Time at={session.lastSeenAt} />, logged in <Time at={session.createdAt} />
            </Text>
            {session.isCurrent ? (
              <span />
            ) : (
              <Button
                variant="subtle"
                color="red"
                size="xs"
                aria-label={`End the session of ${deviceOf(session.userAgent)}`}
                onClick={() =>
                  end.mutate({ path: { sessionId: session.id } }, { onError: toastProblem })
                }
              >
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  )
}
