import { randomUUID } from 'node:crypto'

/** Member for member as the account's API has it. */
export interface OidcPolicy {
  readonly issuer: string
  readonly audiences?: readonly string[]
  readonly subject: string
  readonly subject_claim?: string
  readonly jwks_json?: string
  readonly jwks_uri?: string
}

export interface FederationPolicy {
  readonly name: string
  readonly uid: string
  readonly policy_id: string
  readonly service_principal_id: number
  readonly description: string
  readonly create_time: string
  readonly update_time: string
  readonly oidc_policy: OidcPolicy
}

/** What lets in as a service principal without a secret; every workspace of the account asks here. */
export interface FederationPolicies {
  of(principalId: string): readonly FederationPolicy[]
  put(policy: FederationPolicy): void
  /** @returns whether it was there */
  remove(principalId: string, policyId: string): boolean
}

export function createFederationPolicies(): FederationPolicies {
  const byPrincipal = new Map<string, Map<string, FederationPolicy>>()
  return {
    of: (principalId) => [...(byPrincipal.get(principalId)?.values() ?? [])],
    put(policy) {
      const principalId = String(policy.service_principal_id)
      const policies = byPrincipal.get(principalId) ?? new Map()
      byPrincipal.set(principalId, policies.set(policy.policy_id, policy))
    },
    remove: (principalId, policyId) => byPrincipal.get(principalId)?.delete(policyId) ?? false
  }
}

export function newPolicy(
  accountId: string,
  principalId: string,
  asked: { policyId: string | null; description: string; oidc: OidcPolicy; now: Date }
): FederationPolicy {
  const policyId = asked.policyId ?? randomUUID()
  const time = asked.now.toISOString()
  return {
    name: `accounts/${accountId}/servicePrincipals/${principalId}/federationPolicies/${policyId}`,
    uid: randomUUID(),
    policy_id: policyId,
    service_principal_id: Number(principalId),
    description: asked.description,
    create_time: time,
    update_time: time,
    oidc_policy: asked.oidc
  }
}
