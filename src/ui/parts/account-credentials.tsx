import { Autocomplete, PasswordInput, Text, TextInput } from '@mantine/core'
import type { GetInputPropsReturnType } from '@mantine/form'

interface AccountProps {
  readonly accountHost: GetInputPropsReturnType
  readonly accountId: GetInputPropsReturnType
}

const consoles = [
  'accounts.cloud.databricks.com',
  'accounts.azuredatabricks.net',
  'accounts.gcp.databricks.com',
  'accounts.cloud.databricks.us',
  'accounts.databricks.azure.us',
  'accounts.databricks.azure.cn'
]

/** Which Databricks account it is. */
export function AccountFields({ accountHost, accountId }: AccountProps) {
  return (
    <>
      <Autocomplete
        label="Account console"
        description="Choose yours, or paste its address."
        data={consoles}
        {...accountHost}
      />
      <TextInput
        label="Account ID"
        description="In the account console, in the menu at your name."
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        {...accountId}
      />
    </>
  )
}

export const accountRules = {
  accountHost: (text: string) => (text.trim() === '' ? 'Choose the account console' : null),
  accountId: (text: string) => (text.trim() === '' ? 'Paste the account id' : null)
}

interface CredentialsProps {
  readonly clientId: GetInputPropsReturnType
  readonly clientSecret: GetInputPropsReturnType
}

/** Of an account admin's service principal: used once and kept nowhere. */
export function AccountCredentialsFields({ clientId, clientSecret }: CredentialsProps) {
  return (
    <>
      <Text size="sm">
        Needs a service principal that is an account admin, and an OAuth secret of it. Weft uses
        them for this once and does not keep them.
      </Text>
      <TextInput
        label="Service principal’s client ID"
        autoComplete="off"
        spellCheck={false}
        maxLength={255}
        {...clientId}
      />
      <PasswordInput
        label="Service principal’s secret"
        autoComplete="off"
        maxLength={1_024}
        visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed as the secret' }}
        {...clientSecret}
      />
    </>
  )
}

export const credentialRules = {
  clientId: (text: string) => (text.trim() === '' ? 'Paste its client ID' : null),
  clientSecret: (text: string) => (text === '' ? 'Paste its secret' : null)
}
