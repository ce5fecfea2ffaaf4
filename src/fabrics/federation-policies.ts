import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { FabricId } from '../base/ids.ts'
import type { Operation } from '../base/operations.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import {
  type AccountAdmin,
  type AccountSession,
  type AccountSessionDeps,
  accountFault,
  openAccount
} from '../oauth/account-session.ts'
import type { AccountCall, AccountFailure } from '../providers/account.ts'
import type { FederationTerms, FoundPolicy } from '../providers/federation.ts'
import { providers } from '../providers/registry.ts'
import { clearSetbacks } from '../store/grants.ts'
import { subjectOf, type WorkloadIdentity } from '../vault/workload-identity.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'

export type { AccountAdmin } from '../oauth/account-session.ts'

/** A policy as it is made: by the account's API, or by command line. */
export interface PolicyForm {
  readonly policy: Readonly<Record<string, unknown>>
  readonly command: string
}

/** What has to stand at the provider's account, so that a fabric's service principal needs no secret. */
export interface FederationPolicyView extends PolicyForm {
  readonly clientId: string
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly subject: string
  /** The same with Weft's keys in it, where the provider cannot fetch them; good until the keys have changed. */
  readonly withKeys: PolicyForm & { readonly goodUntil: Date }
}

export interface PolicyRegistration extends FederationPolicyView {
  readonly policyId: string
  readonly outcome: 'created' | 'updated' | 'unchanged'
}

export interface PolicyRegistrationInput {
  readonly accountHost: string
  readonly accountId: string
  readonly admin: AccountAdmin
  /** Whether Weft's keys stand in the policy; else the provider fetches them. */
  readonly withKeys: boolean
}

/** The other end of a service principal without a secret. */
export interface FederationPolicies {
  /** @throws AppError `not_found`, `forbidden`, `service_principal_missing` */
  get(scope: TenantScope, id: FabricId): Promise<FederationPolicyView>
  /**
   * Makes the policy at the account, or sets right the one that is there for this fabric, with an account admin's
   * credentials that are used once and not kept.
   * @throws AppError as `get`, `conflict`: the account takes no such policy; and those of `openAccount`
   */
  register(
    scope: TenantScope,
    id: FabricId,
    input: PolicyRegistrationInput
  ): Promise<PolicyRegistration>
}

type Deps = Pick<FabricDeps, 'db' | 'audit'> &
  AccountSessionDeps & { readonly clock: Clock; readonly workload: WorkloadIdentity }

const pagesMax = 20

export function createFederationPolicies(deps: Deps): FederationPolicies {
  const { db, audit, workload } = deps
  const provider = providers.databricks
  const { federation } = provider

  async function viewFor(scope: TenantScope, id: FabricId, operation: Operation) {
    const row = await db.inTenant(scope, (tx) => mustFindFabric(tx, id, operation))
    const clientId = row.servicePrincipal?.clientId
    if (clientId === undefined) throw new AppError('service_principal_missing')
    const { json, goodUntil } = await workload.keys()
    const { issuer } = workload
    const audiences = [federation.audienceOf(row.workspaceOrigin)]
    const terms = { issuer, audiences, subject: subjectOf(row), keys: null }
    const formOf = (of: FederationTerms): PolicyForm => ({
      policy: federation.bodyOf(of),
      command: federation.commandOf(clientId, of)
    })
    const pinned = { ...terms, keys: json }
    const { subject } = terms
    const view: FederationPolicyView = {
      clientId,
      issuer,
      audiences,
      subject,
      ...formOf(terms),
      withKeys: { ...formOf(pinned), goodUntil }
    }
    return { view, terms, pinned }
  }

  /** The policy for this very fabric, whatever else it says. */
  async function findPolicy(
    session: AccountSession,
    principalId: string,
    { issuer, subject }: FederationTerms
  ): Promise<FoundPolicy | null> {
    let pageToken: string | null = null
    for (let page = 0; page < pagesMax; page += 1) {
      const call = federation.list(session.accountId, principalId, pageToken)
      const { items, nextPageToken } = await mustAsk(session, call)
      const found = items.find((one) => one.issuer === issuer && one.subject === subject)
      if (found !== undefined) return found
      if (nextPageToken === null) return null
      pageToken = nextPageToken
    }
    return null
  }

  /** Nothing is made twice: what is there is kept, or set right. */
  async function settle(
    session: AccountSession,
    principalId: string,
    terms: FederationTerms
  ): Promise<Pick<PolicyRegistration, 'policyId' | 'outcome'>> {
    const { accountId } = session
    const found = await findPolicy(session, principalId, terms)
    if (found === null) {
      const policyId = await mustAsk(session, federation.create(accountId, principalId, terms))
      return { policyId, outcome: 'created' }
    }
    const isSame = found.keys === terms.keys && `${found.audiences}` === `${terms.audiences}`
    if (isSame) return { policyId: found.id, outcome: 'unchanged' }
    await mustAsk(session, federation.update(accountId, principalId, found.id, terms))
    return { policyId: found.id, outcome: 'updated' }
  }

  return {
    get: async (scope, id) => (await viewFor(scope, id, 'federation_policy.get')).view,

    async register(scope, id, { admin, withKeys, ...account }) {
      const { view, terms, pinned } = await viewFor(scope, id, 'federation_policy.register')
      const session = await openAccount(deps, provider, account, admin)
      const call = federation.findPrincipal(session.accountId, view.clientId)
      const principalId = await mustAsk(session, call)
      if (principalId === null) {
        throw invalidRequest(
          '/accountId',
          "this account has no service principal with the fabric's client ID"
        )
      }
      const end = await settle(session, principalId, withKeys ? pinned : terms)
      await db.inTenant(scope, async (tx) => {
        await mustFindFabric(tx, id, 'federation_policy.register')
        // What failed for want of the policy is tried again at once.
        await clearSetbacks(tx, { fabricId: id })
        const details = { ...end, clientId: view.clientId, accountId: session.accountId, withKeys }
        await audit.append(tx, {
          action: 'federation_policy.register',
          object: ['fabric', id],
          fabricId: id,
          details
        })
      })
      return { ...view, ...end }
    }
  }
}

async function mustAsk<T>(session: AccountSession, call: AccountCall<T>): Promise<T> {
  const answer = await session.ask(call)
  if (answer.ok) return answer.value
  throw faultOf(answer.failure)
}

function faultOf(failure: AccountFailure): AppError {
  if (failure !== 'input_refused' && failure !== 'name_taken' && failure !== 'gone') {
    return accountFault(failure)
  }
  return new AppError('conflict', {
    detail:
      'The account takes no such policy: a service principal has twenty at most, and the issuer must be https'
  })
}
