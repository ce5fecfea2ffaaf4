import type { FederationPolicies } from '../../fabrics/federation-policies.ts'
import { type App, answers, IdOfKind, Strict } from '../route.ts'
import {
  FederationPolicy,
  PolicyRegistration,
  PolicyRegistrationBody,
  policyRegistrationInput
} from '../schemas/federation-policy.ts'

const path = '/api/v1/fabrics/:fabricId/federation-policy'
const params = Strict({ fabricId: IdOfKind('fabric') })
const tags = ['fabrics']

/** What lets a fabric's service principal in without a secret: shown, and made at the provider's account. */
export function federationPolicyRoutes(
  app: App,
  { federationPolicies }: { federationPolicies: FederationPolicies }
): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'federation_policy.get' },
      schema: {
        tags,
        summary: 'The federation policy that the service principal needs, ready to paste',
        params,
        response: answers({ 200: FederationPolicy })
      }
    },
    ({ scope, params: { fabricId } }) => federationPolicies.get(scope, fabricId)
  )

  app.post(
    `${path}/register`,
    {
      config: { access: 'caller', operation: 'federation_policy.register' },
      schema: {
        tags,
        summary: "Make the federation policy at the provider's account, or set it right",
        description: 'The credentials are used for this call and not kept.',
        params,
        body: PolicyRegistrationBody,
        response: answers({ 200: PolicyRegistration })
      }
    },
    ({ scope, params: { fabricId }, body }) =>
      federationPolicies.register(scope, fabricId, policyRegistrationInput(body))
  )
}
