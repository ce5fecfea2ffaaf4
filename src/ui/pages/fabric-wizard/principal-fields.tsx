import { Radio, SimpleGrid, Stack, Switch, Text, TextInput, Title } from '@mantine/core'
import { SecretField } from '../../parts/secret-field.tsx'
import { FederationPolicy } from '../fabric/federation-policy.tsx'
import type { Fabric, FieldsProps } from './values.ts'

interface Props extends FieldsProps {
  readonly fabric: Fabric | null
}

/** The identity of what runs when nobody is there. */
export function PrincipalFields({ form, fabric }: Props) {
  const { hasPrincipal, production, servicePrincipal } = form.values
  const kept = fabric?.servicePrincipal ?? null
  const isFederated = servicePrincipal.proof === 'federated'
  const isKept = kept?.clientId === servicePrincipal.clientId.trim() && !kept.federated
  return (
    <Stack gap="sm">
      <Title order={3}>Unattended work</Title>
      <Text size="sm" c="dimmed">
        Deployments, schedules and service accounts run as a service principal of the workspace
        (machine-to-machine, M2M), also when nobody is there. Without one they do not run.
      </Text>
      <Switch
        label="Use a service principal"
        {...(production && { description: 'This is a production fabric, so it needs one.' })}
        {...form.getInputProps('hasPrincipal', { type: 'checkbox' })}
      />
      {hasPrincipal && (
        <Stack gap="md" className="inset">
          <Radio.Group
            label="How it proves who it is"
            {...form.getInputProps('servicePrincipal.proof')}
          >
            <Stack gap={8} pt={8}>
              <Radio value="secret" label="With an OAuth secret" />
              <Radio
                value="federated"
                label="Without a secret"
                description="Databricks believes Weft’s own signature, by a policy that an account admin makes once. Nothing to keep, nothing to replace."
              />
            </Stack>
          </Radio.Group>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput
              label="Client ID"
              description="Its application ID, from Settings › Identity and access › Service principals."
              withAsterisk
              spellCheck={false}
              autoComplete="off"
              {...form.getInputProps('servicePrincipal.clientId')}
            />
            {!isFederated && (
              <SecretField
                label="OAuth secret"
                description="From its Secrets tab. Sealed at once, and never shown again."
                secret={isKept ? kept.clientSecret : null}
                isRequired={!isKept}
                value={servicePrincipal.clientSecret}
                error={form.errors['servicePrincipal.clientSecret']}
                onChange={(secret) => form.setFieldValue('servicePrincipal.clientSecret', secret)}
              />
            )}
          </SimpleGrid>
          {isFederated && <PolicyHint fabric={fabric} />}
          {!isFederated && servicePrincipal.clientSecret !== '' && (
            <TextInput
              type="date"
              label="The secret ends on"
              description="As Databricks shows it; Weft warns 30 days before."
              classNames={{ wrapper: 'short-input' }}
              {...form.getInputProps('servicePrincipal.expiresOn')}
            />
          )}
          <Radio.Group
            label="Who may act as it from here"
            description="In the playground and in tests. Unattended work always does."
            {...form.getInputProps('servicePrincipalUse')}
          >
            <Stack gap={8} pt={8}>
              <Radio value="admins" label="Admins of the team" />
              <Radio value="team" label="Everybody in the team" />
            </Stack>
          </Radio.Group>
        </Stack>
      )}
    </Stack>
  )
}

/** The policy names the fabric, so it can be told once there is one. */
function PolicyHint({ fabric }: Pick<Props, 'fabric'>) {
  if (fabric?.servicePrincipal?.federated) return <FederationPolicy fabric={fabric} />
  return (
    <Text size="sm" c="dimmed">
      Save it with Next: the test then shows the policy to paste at Databricks.
    </Text>
  )
}
