import type { Static } from 'typebox'
import { Secret } from '../../base/secret.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

export const ClientSecretText = Text(1_024, { writeOnly: true })
export const ExpiryTime = Type.String({ format: 'date-time', maxLength: 64 })

export const ClientSecret = Strict({
  id: IdOfKind('clientSecret'),
  state: Type.Enum(['current', 'previous'], { type: 'string' }),
  hint: Type.String(),
  setAt: Time,
  expiresAt: Nullable(Time),
  lastUsedAt: Nullable(Time),
  isSafeToDelete: Type.Boolean()
})

export const NewClientSecret = Strict(
  { clientSecret: ClientSecretText, expiresAt: Type.Optional(ExpiryTime) },
  { title: 'NewClientSecret' }
)

/** The body with its secret wrapped, from here on. */
export function clientSecretInput({ clientSecret, expiresAt }: Static<typeof NewClientSecret>) {
  const secret = new Secret(clientSecret)
  if (expiresAt === undefined) return { clientSecret: secret }
  return { clientSecret: secret, expiresAt: new Date(expiresAt) }
}
