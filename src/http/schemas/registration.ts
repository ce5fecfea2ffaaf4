import type { Static } from 'typebox'
import type { AccountAdmin, RegistrationInput } from '../../app-connections/registrations.ts'
import { Secret } from '../../base/secret.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'
import { Scopes, TokenPolicyBody } from './app-connection.ts'
import { ClientSecretText } from './client-secret.ts'

const admin = { clientId: Text(255), clientSecret: ClientSecretText }

export const AccountCredentials = Strict(admin, {
  title: 'AccountCredentials',
  description: 'Of a service principal that is an account admin; used for this call and not kept'
})

export const RegistrationBody = Strict(
  {
    name: Text(120),
    accountHost: Text(255),
    accountId: Text(64),
    ...admin,
    scopes: Type.Optional(Scopes),
    tokenPolicy: Type.Optional(TokenPolicyBody),
    isDefault: Type.Optional(Type.Boolean()),
    appConnectionId: Type.Optional(IdOfKind('appConnection'))
  },
  { title: 'NewRegistration' }
)

const Values = Type.Array(Type.String())

export const Registration = Strict(
  {
    status: Type.Enum(['in_step', 'drifted', 'gone'], { type: 'string' }),
    registrationId: Nullable(Type.String()),
    differences: Type.Array(
      Strict({
        member: Type.Enum(
          [
            'redirectUrls',
            'scopes',
            'refreshTokenTtlMinutes',
            'absoluteSessionLifetimeMinutes',
            'hasSingleUseRefreshTokens'
          ],
          { type: 'string' }
        ),
        needed: Values,
        registered: Values
      })
    ),
    checkedAt: Time
  },
  { title: 'Registration' }
)

export function accountAdminOf(body: Static<typeof AccountCredentials>): AccountAdmin {
  return { clientId: body.clientId, clientSecret: new Secret(body.clientSecret) }
}

/** The body with its secret wrapped, from here on. */
export function registrationInput(body: Static<typeof RegistrationBody>): RegistrationInput {
  const { clientId, clientSecret, ...rest } = body
  return { ...rest, admin: accountAdminOf({ clientId, clientSecret }) }
}
