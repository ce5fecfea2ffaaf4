import { Alert, Button, Group, Menu, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useCall, useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { AddButton } from '../../parts/add-button.tsx'
import { useConfirm } from '../../parts/confirm.tsx'
import { Loading } from '../../parts/page.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Section } from '../../parts/section.tsx'
import { ShowMore } from '../../parts/show-more.tsx'
import { Steps } from '../../parts/steps.tsx'
import { Time } from '../../parts/time.tsx'
import { toast } from '../../parts/toast.ts'
import { StatusMark } from './app-status.tsx'
import { LoginProviderModal } from './login-provider-form.tsx'

type Provider = Schemas['LoginProvider']

const words = {
  issuer: 'The issuer may be asked',
  discovery: 'Its metadata is there and names it',
  keys: 'Its keys are there'
}

/** By which identity providers people log in to Weft. */
export function LoginProviders() {
  const list = useList('loginProviderList', {})
  const [edited, setEdited] = useState<Provider | 'new' | null>(null)
  if (list.isError) return <ProblemView error={list.error} onRetry={() => list.refetch()} />
  if (list.isPending) return <Loading of="the login providers" />
  return (
    <Section
      title="Login providers"
      description="Where people of your organisation log in to Weft: any OpenID Connect provider, or Microsoft Entra ID."
      action={<AddButton onClick={() => setEdited('new')}>Add a provider</AddButton>}
    >
      <ul className="plain-list" aria-label="Login providers">
        {list.items.map((provider) => (
          <ProviderRow key={provider.id} provider={provider} onChange={() => setEdited(provider)} />
        ))}
      </ul>
      <ShowMore of={list} />
      <LoginProviderModal edited={edited} onClose={() => setEdited(null)} />
    </Section>
  )
}

interface RowProps {
  readonly provider: Provider
  readonly onChange: () => void
}

function ProviderRow({ provider, onChange }: RowProps) {
  const confirm = useConfirm()
  const path = { loginProviderId: provider.id }
  const verify = useCall('loginProviderVerify', ['loginProviderList'])
  const update = useCall('loginProviderUpdate', ['loginProviderList'])
  const remove = useCall('loginProviderDelete', ['loginProviderList'])
  const turn = (isEnabled: boolean) =>
    update.mutate({ path, body: { isEnabled, version: provider.version } })
  const discard = async () => {
    const isSure = await confirm({
      title: `Delete “${provider.name}”?`,
      text: 'Nobody logs in by it any more. Sessions go on until they end.',
      action: 'Delete the provider',
      isDangerous: true
    })
    if (!isSure) return
    const done = () => toast(`${provider.name} is deleted`)
    await remove.mutateAsync({ path }).then(done, () => undefined) // shown below
  }
  const error = verify.error ?? update.error ?? remove.error
  return (
    <li>
      <div className="section-row">
        <Stack gap={0}>
          <Text size="sm" fw={500}>
            {provider.name}
          </Text>
          <Text size="xs" c="dimmed" className="mono">
            {provider.issuer}
          </Text>
        </Stack>
        <Stack gap={2}>
          <StatusMark status={provider.status} />
          <Text size="xs" c="dimmed">
            {provider.emailDomains.length > 0 && `${provider.emailDomains.join(', ')} · `}
            last used <Time at={provider.lastUsedAt} />
          </Text>
        </Stack>
        <Group gap={4} wrap="nowrap">
          <Button
            variant="default"
            size="xs"
            loading={verify.isPending}
            aria-label={`Verify ${provider.name}`}
            onClick={() => verify.mutate({ path })}
          >
            Verify
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="subtle" size="xs" aria-label={`More about ${provider.name}`}>
                More
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={onChange}>Change</Menu.Item>
              <Menu.Item onClick={() => turn(!provider.isEnabled)}>
                {provider.isEnabled ? 'Disable' : 'Enable'}
              </Menu.Item>
              <Menu.Item color="red" onClick={discard}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </div>
      {(error || verify.data || provider.warnings.length > 0) && (
        <Stack gap="sm" px="lg" pb="md">
          {provider.warnings.map(({ code, message }) => (
            <Alert key={code} color="yellow" variant="light" title={message} />
          ))}
          {error && <ProblemView error={error} />}
          {verify.data && (
            <Steps
              steps={verify.data.steps}
              expected={Object.keys(words)}
              isRunning={false}
              words={words}
            />
          )}
        </Stack>
      )}
    </li>
  )
}
