import { Fieldset, Select, Stack, Text } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { MinutesInput } from '../../parts/minutes-input.tsx'
import type { App } from './app-status.tsx'

/** Of a registration, as it is typed; empty: as the account has it. */
export interface PolicyValues {
  refreshTokenTtlMinutes: number | ''
  absoluteSessionLifetimeMinutes: number | ''
  singleUse: 'as_is' | 'yes' | 'no'
}

export function policyValuesOf({ tokenPolicy }: App): PolicyValues {
  const { hasSingleUseRefreshTokens: isSingleUse } = tokenPolicy
  return {
    refreshTokenTtlMinutes: tokenPolicy.refreshTokenTtlMinutes ?? '',
    absoluteSessionLifetimeMinutes: tokenPolicy.absoluteSessionLifetimeMinutes ?? '',
    singleUse: isSingleUse === null ? 'as_is' : isSingleUse ? 'yes' : 'no'
  }
}

export function policyOf(values: PolicyValues): App['tokenPolicy'] {
  const { refreshTokenTtlMinutes, absoluteSessionLifetimeMinutes, singleUse } = values
  return {
    refreshTokenTtlMinutes: refreshTokenTtlMinutes === '' ? null : refreshTokenTtlMinutes,
    absoluteSessionLifetimeMinutes:
      absoluteSessionLifetimeMinutes === '' ? null : absoluteSessionLifetimeMinutes,
    hasSingleUseRefreshTokens: singleUse === 'as_is' ? null : singleUse === 'yes'
  }
}

/** For who compares two of them. */
export function policyInWords(values: PolicyValues): string {
  const { refreshTokenTtlMinutes, absoluteSessionLifetimeMinutes, singleUse } = values
  const parts = [
    refreshTokenTtlMinutes !== '' && `refresh tokens ${refreshTokenTtlMinutes} min`,
    absoluteSessionLifetimeMinutes !== '' && `sign-ins ${absoluteSessionLifetimeMinutes} min`,
    singleUse !== 'as_is' && `single-use: ${singleUse}`
  ]
  return parts.filter(Boolean).join(', ')
}

interface Props {
  readonly form: UseFormReturnType<PolicyFormValues>
}
interface PolicyFormValues {
  readonly policy: PolicyValues
}

const limits = { min: 5, max: 5_256_000 }

/** How long tokens live that the account gives out to Weft. */
export function TokenPolicyFields({ form }: Props) {
  return (
    <Fieldset legend="Lives of tokens" variant="filled">
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          What the registration at the account should say. An access token lives for an hour and
          Weft renews it. After a change, check the registration to set it right there.
        </Text>
        <MinutesInput
          label="A refresh token lives for"
          none="Empty: as the account has it."
          {...limits}
          {...form.getInputProps('policy.refreshTokenTtlMinutes')}
        />
        <MinutesInput
          label="A sign-in ends at the latest after"
          none="Empty: as the account has it."
          {...limits}
          {...form.getInputProps('policy.absoluteSessionLifetimeMinutes')}
        />
        <Select
          label="Refresh tokens are for one use"
          description="Then a stolen one is of no use to anybody."
          allowDeselect={false}
          data={[
            { value: 'as_is', label: 'As the account has it' },
            { value: 'yes', label: 'Yes' },
            { value: 'no', label: 'No' }
          ]}
          {...form.getInputProps('policy.singleUse')}
        />
      </Stack>
    </Fieldset>
  )
}
