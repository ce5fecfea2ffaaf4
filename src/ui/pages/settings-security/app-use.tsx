import { Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { queryOf } from '../../api/queries.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { toastProblem } from '../../parts/toast.ts'
import { useAppSave } from './app-save.ts'
import type { App } from './app-status.tsx'

/** Which fabrics sign in by it, and how many people. */
export function AppUse({ app }: { readonly app: App }) {
  const usage = useQuery(queryOf('appConnectionUsage', { path: { appConnectionId: app.id } }))
  const { save, isPending } = useAppSave(app)
  const people = usage.data?.people ?? 0
  const who = people === 0 ? 'Nobody is' : people === 1 ? 'One person is' : `${people} people are`
  return (
    <Section
      title="Who uses it"
      description={
        <>
          {app.isDefault
            ? 'The default: fabrics that name no other application use it. '
            : 'Only fabrics that name it use it. '}
          {usage.data && `${who} signed in by it.`}
        </>
      }
      action={
        app.isDefault ? (
          <Badge variant="light" radius="sm">
            Default
          </Badge>
        ) : (
          <Button
            variant="default"
            size="xs"
            loading={isPending}
            onClick={() => save({ isDefault: true }).catch(toastProblem)}
          >
            Make it the default
          </Button>
        )
      }
    >
      {usage.isError && <ProblemView error={usage.error} onRetry={() => usage.refetch()} />}
      {usage.data?.fabrics.length === 0 && (
        <Nothing>No fabric uses it yet. Add a fabric next, and people can sign in.</Nothing>
      )}
      {usage.data && usage.data.fabrics.length > 0 && (
        <Stack gap={6} px="lg" pb="lg" mah={260} className="scrolls" tabIndex={0}>
          {usage.data.fabrics.map(({ id, name, isByDefault }) => (
            <Group key={id} gap={8}>
              <Anchor
                size="sm"
                renderRoot={(props) => (
                  <Link to="/fabrics/$fabricId" params={{ fabricId: id }} {...props} />
                )}
              >
                {name}
              </Anchor>
              {isByDefault && (
                <Text size="xs" c="dimmed">
                  by default
                </Text>
              )}
            </Group>
          ))}
        </Stack>
      )}
    </Section>
  )
}
