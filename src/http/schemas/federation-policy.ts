import type { Static } from 'typebox'
import type { PolicyRegistrationInput } from '../../fabrics/federation-policies.ts'
import { Type } from '../json-schema.ts'
import { Strict, Text, Time } from '../route.ts'
import { AccountCredentials, accountAdminOf } from './registration.ts'

const form = {
  policy: Type.Record(Type.String(), Type.Unknown(), {
    description: "Body for the account's API, ready to paste"
  }),
  command: Type.String({ description: 'The same by command line' })
}

const policy = {
  clientId: Type.String({ description: 'Of the service principal' }),
  issuer: Type.String(),
  audiences: Type.Array(Type.String()),
  subject: Type.String(),
  ...form,
  withKeys: Strict(
    { ...form, goodUntil: Time },
    { description: "With Weft's keys, where Databricks cannot fetch them from the issuer" }
  )
}

export const FederationPolicy = Strict(policy, { title: 'FederationPolicy' })

export const PolicyRegistration = Strict(
  {
    ...policy,
    policyId: Type.String(),
    outcome: Type.Enum(['created', 'updated', 'unchanged'], { type: 'string' })
  },
  { title: 'FederationPolicyRegistration' }
)

export const PolicyRegistrationBody = Strict(
  {
    accountHost: Text(255),
    accountId: Text(64),
    ...AccountCredentials.properties,
    withKeys: Type.Optional(
      Type.Boolean({ description: "Puts Weft's keys into the policy; default false" })
    )
  },
  {
    title: 'NewFederationPolicyRegistration',
    description: 'Credentials of an account admin, used for this call and not kept'
  }
)

/** The body with its secret wrapped, from here on. */
export function policyRegistrationInput(
  body: Static<typeof PolicyRegistrationBody>
): PolicyRegistrationInput {
  const { accountHost, accountId, withKeys = false } = body
  return { accountHost, accountId, withKeys, admin: accountAdminOf(body) }
}
