import { Alert, Anchor, Badge, Group, Radio, Select, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useIsTenantAdmin } from '../../api/me.ts'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Contacts } from '../../parts/contacts.tsx'
import { PrincipalFields } from './principal-fields.tsx'
import type { Fabric, FieldsProps } from './values.ts'

type Capability = Schemas['Capability']

interface Props extends FieldsProps {
  /** Null: not made yet, so that the method can still be another. */
  readonly fabric: Fabric | null
}

/** Who one is at the workspace: people by a sign-in of their own, unattended work by a service principal. */
export function AuthenticationFields({ form, fabric }: Props) {
  const { data } = useQuery(queryOf('capabilityList', {}))
  const methodOf = (method: Capability['authMethod']) =>
    data?.items.find(({ authMethod }) => authMethod === method)
  return (
    <Stack gap={28}>
      <Stack gap="sm">
        <Title order={3}>People</Title>
        <Text size="sm" c="dimmed">
          Each person reaches the workspace as themself, with the permissions they have there
          (user-to-machine, U2M).
        </Text>
        <Radio.Group
          aria-label="How people prove who they are"
          {...(fabric && { description: 'It stays as it is; add another fabric else.' })}
          {...form.getInputProps('authMethod')}
        >
          <Stack gap="sm" pt={fabric ? 8 : 0}>
            <Method
              name="OAuth"
              value="oauth"
              isFixed={fabric !== null && fabric.authMethod !== 'oauth'}
              badge={
                data && !methodOf('oauth')?.available ? (
                  <Badge color="yellow" variant="light">
                    Not set up yet
                  </Badge>
                ) : (
                  <Badge variant="light">Recommended</Badge>
                )
              }
            >
              Each person signs in at Databricks once, in a window; Weft keeps the sign-in alive and
              nobody handles a token.
            </Method>
            <Method
              name="Personal access token"
              value="pat"
              isFixed={
                (fabric !== null && fabric.authMethod !== 'pat') || !methodOf('pat')?.available
              }
              badge={
                data &&
                !methodOf('pat')?.available && (
                  <Badge color="gray" variant="default">
                    Not offered here
                  </Badge>
                )
              }
            >
              Each person makes a long-lived token at Databricks and pastes it. It outlives the
              person’s password and is easily lost, so OAuth comes first.
            </Method>
          </Stack>
        </Radio.Group>
        {form.values.authMethod === 'oauth' && (
          <>
            <NotSetUp oauth={methodOf('oauth')} />
            <AppConnectionField form={form} />
          </>
        )}
      </Stack>
      <PrincipalFields form={form} fabric={fabric} />
    </Stack>
  )
}

interface MethodProps {
  readonly name: string
  readonly value: Fabric['authMethod']
  readonly isFixed: boolean
  readonly badge: ReactNode
  readonly children: ReactNode
}

function Method({ name, value, isFixed, badge, children }: MethodProps) {
  return (
    <Radio.Card value={value} disabled={isFixed} className="choice" aria-label={name}>
      <Radio.Indicator />
      <div>
        <Group gap="xs" mb={2}>
          <Text fw={600} size="sm">
            {name}
          </Text>
          {badge}
        </Group>
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      </div>
    </Radio.Card>
  )
}

function NotSetUp({ oauth }: { readonly oauth: Capability | undefined }) {
  const isAdmin = useIsTenantAdmin()
  if (oauth === undefined || oauth.available) return null
  return (
    <Alert color="yellow" variant="light" title="OAuth is not set up yet">
      <Text size="sm">
        {isAdmin ? (
          <>
            Weft has to be registered at Databricks once.{' '}
            <Anchor component={Link} to="/settings/security" inherit>
              Set it up now
            </Anchor>
            .
          </>
        ) : (
          <Contacts people={oauth.contacts} />
        )}{' '}
        You can go on with the draft; people sign in once it is there.
      </Text>
    </Alert>
  )
}

/** Where the organisation has several registrations, an admin may choose one. */
function AppConnectionField({ form }: FieldsProps) {
  const isAdmin = useIsTenantAdmin()
  const input = { query: { limit: 100 } }
  const { data } = useQuery({ ...queryOf('appConnectionList', input), enabled: isAdmin })
  if (data === undefined || data.items.length < 2) return null
  return (
    <Select
      label="OAuth application"
      description="Which of your organisation’s registrations people sign in with."
      allowDeselect={false}
      data={[
        { value: '', label: 'The organisation’s default' },
        ...data.items.map(({ id, name }) => ({ value: id, label: name }))
      ]}
      {...form.getInputProps('appConnectionId')}
    />
  )
}
