import { Alert, Button, Group, Modal, Stack, Text, Textarea, Title } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import type { AccountProps } from './account-props.ts'

/** Says why a token is believed, or why not, check by check. */
export function AssertionTest({ account, onClose }: AccountProps & { onClose: () => void }) {
  const [jwt, setJwt] = useState('')
  const ask = useCall('federatedIdentityTest')
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    ask.mutate({ path: { serviceAccountId: account.id }, body: { jwt: jwt.trim() } })
  }
  return (
    <Modal opened onClose={onClose} title="Try a token" size="xl">
      <Stack>
        <form onSubmit={submit}>
          <Stack>
            <Textarea
              label="Token of the platform"
              description="A JWT. It is checked, and neither kept nor logged."
              placeholder="eyJ…"
              className="mono-input"
              minRows={4}
              maxRows={8}
              autosize
              data-autofocus
              value={jwt}
              onChange={(event) => setJwt(event.currentTarget.value)}
            />
            <Group justify="flex-end">
              <Button type="submit" disabled={jwt.trim() === ''} loading={ask.isPending}>
                Check it
              </Button>
            </Group>
          </Stack>
        </form>
        {ask.isError && <ProblemView error={ask.error} />}
        {ask.data && <Verdict of={ask.data} />}
      </Stack>
    </Modal>
  )
}

function Verdict({ of }: { readonly of: Schemas['FederationTest'] }) {
  const [color, title] = of.accepted
    ? (['teal', 'It is believed'] as const)
    : (['red', 'It is not believed'] as const)
  return (
    <Stack gap="md" role="status">
      <Alert color={color} variant="light" title={title}>
        {of.detail}
      </Alert>
      {of.identities.map(({ id, name, checks }) => (
        <Stack key={id} gap={6}>
          <Title order={3} size="h5">
            {name}
          </Title>
          <ul className="plain-list" aria-label={`Checks of ${name}`}>
            {checks.map((check) => (
              <CheckRow key={check.check + (check.claim ?? '')} check={check} />
            ))}
          </ul>
        </Stack>
      ))}
    </Stack>
  )
}

function CheckRow({ check }: { readonly check: Schemas['AssertionCheck'] }) {
  const { matches, claim, expected, found, detail } = check
  return (
    <Group component="li" gap="sm" wrap="nowrap" align="flex-start" py={6}>
      {matches ? (
        <IconCheck size={16} role="img" aria-label="Matches" />
      ) : (
        <IconX size={16} role="img" aria-label="Does not match" />
      )}
      <Stack gap={0}>
        <Text size="sm" fw={matches ? 400 : 600}>
          {claim ?? check.check}
        </Text>
        <Text size="xs" c="dimmed" className="mono">
          {matches ? (found ?? expected) : `needs ${expected}, has ${found ?? 'none'}`}
        </Text>
        {!matches && detail && <Text size="xs">{detail}</Text>}
      </Stack>
    </Group>
  )
}
