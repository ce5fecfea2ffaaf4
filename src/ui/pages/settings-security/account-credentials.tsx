import { PasswordInput, Text, TextInput } from '@mantine/core'
import type { GetInputPropsReturnType } from '@mantine/form'

interface Props {
  readonly clientId: GetInputPropsReturnType
  readonly clientSecret: GetInputPropsReturnType
}

/** Of an account admin's service principal: used once and kept nowhere. */
export function AccountCredentialsFields({ clientId, clientSecret }: Props) {
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
