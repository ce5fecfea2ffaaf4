import { Badge, Button, Group, Stack, Text, Title, UnstyledButton } from '@mantine/core'
import { IconShieldLock } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useCall, useList } from '../../api/queries.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { type App, appsChanged, StatusMark } from './app-status.tsx'
import { AutoRegister } from './auto-register.tsx'
import { OAuthApp } from './oauth-app.tsx'
import './settings-security.css'

/** `Weft`, `Weft 2`, …: a name that none has. */
function freeName(apps: readonly App[]): string {
  const taken = new Set(apps.map(({ name }) => name))
  for (let count = 1; ; count++) {
    const name = count === 1 ? 'Weft' : `Weft ${count}`
    if (!taken.has(name)) return name
  }
}

/** The OAuth clients that stand for Weft at Databricks: usually one. */
export function OAuthApps() {
  const list = useList('appConnectionList', {})
  const { app: chosenId } = useSearch({ from: '/shell/settings/security' })
  const navigate = useNavigate()
  const [isRegistering, setIsRegistering] = useState(false)
  const create = useCall('appConnectionCreate', appsChanged)
  const choose = (id: string) => navigate({ to: '/settings/security', search: { app: id } })
  if (list.isError) return <ProblemView error={list.error} onRetry={() => list.refetch()} />
  if (list.isPending) return <Loading of="the OAuth application" />
  const { items } = list
  const begin = () =>
    create.mutate(
      { body: { name: freeName(items), provider: 'databricks' } },
      { onSuccess: ({ id }) => choose(id) }
    )
  const chosen =
    items.find(({ id }) => id === chosenId) ?? items.find(({ isDefault }) => isDefault) ?? items[0]
  const register = (
    <AutoRegister
      isOpen={isRegistering}
      onClose={() => setIsRegistering(false)}
      onDone={(app) => choose(app.id)}
      name={freeName(items)}
    />
  )
  if (chosen === undefined) {
    return (
      <>
        <Empty
          icon={<IconShieldLock size={22} />}
          title="Databricks OAuth Application (U2M)"
          action={
            <Stack gap="xs" align="center" pt={4}>
              <Button loading={create.isPending} onClick={begin}>
                Set it up
              </Button>
              <Button variant="subtle" size="xs" onClick={() => setIsRegistering(true)}>
                Let Weft register itself
              </Button>
            </Stack>
          }
        >
          People sign in to Databricks as themselves, and Weft keeps their sign-in alive. For that
          your Databricks account has to know Weft: three steps, about five minutes. An account
          admin of Databricks does one of them; that may be you.
        </Empty>
        {create.isError && <ProblemView error={create.error} />}
        {register}
      </>
    )
  }
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="md">
        <Title order={2}>Databricks OAuth Application (U2M)</Title>
        <AddButton isPending={create.isPending} onClick={begin}>
          Another application
        </AddButton>
      </Group>
      {create.isError && <ProblemView error={create.error} />}
      {items.length > 1 && <Choice apps={items} chosen={chosen} onChoose={choose} />}
      <ShowMore of={list} />
      <OAuthApp
        key={chosen.id}
        app={chosen}
        onGone={() => navigate({ to: '/settings/security' })}
      />
      {register}
    </Stack>
  )
}

interface ChoiceProps {
  readonly apps: readonly App[]
  readonly chosen: App
  readonly onChoose: (id: string) => void
}

function Choice({ apps, chosen, onChoose }: ChoiceProps) {
  return (
    <ul className="plain-list card app-choice" aria-label="OAuth applications">
      {apps.map(({ id, name, isDefault, status }) => (
        <li key={id}>
          <UnstyledButton
            className="app-choice-row"
            aria-current={id === chosen.id}
            onClick={() => onChoose(id)}
          >
            <Group gap={8}>
              <Text size="sm" fw={500}>
                {name}
              </Text>
              {isDefault && (
                <Badge variant="light" size="sm" radius="sm">
                  Default
                </Badge>
              )}
            </Group>
            <StatusMark status={status} />
          </UnstyledButton>
        </li>
      ))}
    </ul>
  )
}
