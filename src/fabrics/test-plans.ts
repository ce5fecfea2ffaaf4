import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, type FabricId, type GrantId, type TeamId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { requestMachineToken } from '../oauth/machine-token.ts'
import { readTokenAnswer } from '../oauth/token-answer.ts'
import type { WorkspaceAddress } from '../providers/provider.ts'
import { providers } from '../providers/registry.ts'
import type { AppConnectionRow } from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { findUserGrant } from '../store/grants.ts'
import { refuseHost } from '../vault/credentials.ts'
import { createAllowance } from '../vault/flights.ts'
import { leastLifeMs, setbackOf } from '../vault/token-state.ts'
import type { TokenOptions } from '../vault/vault.ts'
import { type ComputeColumns, computeOf, readCompute } from './fabric-compute.ts'
import { type FabricDeps, mustFindFabric, mustFindTeamFor } from './fabric-deps.ts'
import { readWorkspace, refuseConnection } from './fabric-input.ts'
import { appConnectionOf, isReady } from './fabric-view.ts'
import type { Fabrics, NewFabric } from './fabrics.ts'
import { createKeptTests, subjectOf } from './kept-tests.ts'
import { noteOfNewestSecret } from './newest-secret.ts'
import type { ServicePrincipalInput } from './service-principal.ts'
import {
  refuseAddress,
  runTest,
  type TestPlan,
  type TestToken,
  testEvent
} from './test-connection.ts'
import type { TestAs } from './test-results.ts'

type Tests = Pick<Fabrics, 'testConnection' | 'testUnsaved' | 'testResults'>

/** What the two kinds of plan have in common. */
interface Subject {
  readonly as: TestAs
  readonly fabricId: FabricId | null
  readonly workspaceOrigin: string
  readonly authMethod: string
  readonly connection: AppConnectionRow | null
  readonly compute: TestPlan['compute']
}

/** Of one person, on one replica: a form that is tried again and again, and no scan of anything. */
const testLimits = { atOnce: 20, refillMs: 6_000 }
/** As the service principal each test asks for a token of its own; one that is seconds old is new enough. */
const newTokenLimits = { atOnce: 1, refillMs: 10_000 }

export function createTests(deps: FabricDeps): Tests {
  const { db, audit, vault, clock, publicUrl } = deps
  const provider = providers.databricks
  const kept = createKeptTests(deps)
  const tests = createAllowance(clock, testLimits)
  const newTokens = createAllowance(clock, newTokenLimits)

  function takeTurn({ tenantId, actor }: TenantScope): void {
    if (tests.take(`${tenantId}/${actor.id}`)) return
    const retryAt = plusMs(clock.now(), testLimits.refillMs)
    throw new AppError('rate_limited', { detail: 'You test too often; wait a moment', retryAt })
  }

  async function heldToken(
    scope: TenantScope,
    grantId: GrantId,
    options?: TokenOptions
  ): Promise<TestToken & { readonly generation: number }> {
    const held = await vault.accessToken(scope, grantId, leastLifeMs, options)
    const { token, generation } = held
    const renew = () => heldToken(scope, grantId, { rejectedGeneration: generation })
    const isNew = held.source === 'refreshed'
    return { token, generation, scope: held.scope, renew: isNew ? null : renew }
  }

  /** As the person, with the sign-in that they have at this workspace. */
  async function userToken(scope: TenantScope, subject: Subject): Promise<TestToken> {
    const { authMethod, connection, workspaceOrigin } = subject
    if (authMethod === 'oauth' && !isReady(connection)) {
      throw new AppError('app_connection_missing')
    }
    if (scope.actor.kind !== 'user') throw new AppError('forbidden')
    const appConnectionId = connection?.id ?? null
    const key = { userId: scope.actor.id, workspaceOrigin, appConnectionId }
    const grant = await db.inTenant(scope, (tx) => findUserGrant(tx, key))
    if (grant === null) throw new AppError('sign_in_needed')
    return await heldToken(scope, asId('grant', grant.id))
  }

  /** A new one, so that it is the secret that is tested and not what it gave an hour ago. */
  async function principalToken(
    scope: TenantScope,
    fabricId: FabricId,
    workspaceOrigin: string
  ): Promise<TestToken> {
    // What stood in its way before may have been mended at the provider.
    await vault.retryServicePrincipal(scope, fabricId)
    const grantId = await vault.openServicePrincipalGrant(scope, fabricId, workspaceOrigin)
    const held = await heldToken(scope, grantId)
    if (held.renew === null || !newTokens.take(`${scope.tenantId}/${grantId}`)) return held
    return await held.renew()
  }

  /** With credentials that are not stored: asked for, used and forgotten. */
  async function trialToken(
    principal: ServicePrincipalInput,
    workspaceOrigin: string
  ): Promise<TestToken> {
    if (principal.federated) {
      const detail = 'The federation policy names the fabric: save it first, then test it'
      throw new AppError('federation_policy_missing', { detail })
    }
    const server = await deps.servers.discover(provider, workspaceOrigin)
    const client = { ...principal, authMethod: provider.oauth.clientAuthMethod }
    const endpoint = { provider, workspaceOrigin, server }
    const keepNothing = async () => undefined
    const credentials = { kind: 'client_secret', client } as const
    const answer = await requestMachineToken(deps.exchange, endpoint, credentials, keepNothing)
    const verdict = readTokenAnswer(provider, answer)
    if (verdict.kind === 'granted') {
      return { token: verdict.tokens.accessToken, scope: verdict.tokens.scope, renew: null }
    }
    const at = { now: clock.now(), failures: 0, jitter: 0 }
    throw setbackOf('service_principal', verdict.failure, at).error
  }

  function planOf(
    scope: TenantScope,
    subject: Subject,
    obtainToken: TestPlan['obtainToken']
  ): TestPlan {
    const { as, connection, workspaceOrigin } = subject
    const neededScopes =
      as === 'user' ? (connection?.scopes ?? []) : provider.oauth.unattendedScopes
    const checkHost = () => {
      if (as === 'user' && connection !== null) refuseHost(connection, workspaceOrigin)
    }
    const noteOfSecret = () => noteOfNewestSecret(db, scope, subject)
    return { ...subject, provider, publicUrl, neededScopes, checkHost, obtainToken, noteOfSecret }
  }

  return {
    testResults: kept.testResults,

    async testConnection(scope, id, as, listener, signal) {
      const { row, connection, tested } = await db.inTenant(scope, async (tx) => {
        const found = await mustFindFabric(tx, id, 'fabric.test')
        mayTestAs(tx, as, found.servicePrincipalUse, asId('team', found.teamId))
        const tested = await subjectOf(tx, found, as)
        return { row: found, connection: await appConnectionOf(tx, found), tested }
      })
      takeTurn(scope)
      const { workspaceOrigin, authMethod } = row
      const compute = triedOf(row)
      const subject = { as, fabricId: id, workspaceOrigin, authMethod, connection, compute }
      const plan = planOf(scope, subject, async () => {
        if (as === 'user') return await userToken(scope, subject)
        if (row.servicePrincipal === null) throw new AppError('service_principal_missing')
        return await principalToken(scope, id, workspaceOrigin)
      })
      const result = await runTest(deps, plan, listener, signal)
      await audit.record(scope, [testEvent(plan, result)])
      if (!signal.aborted) await kept.keep(scope, id, as, tested, result)
      return result
    },

    async testUnsaved(scope, input, as, listener, signal) {
      refuseConnection(input)
      const connection = await db.inTenant(scope, async (tx) => {
        await mustFindTeamFor(tx, input.teamId, 'fabric.create')
        return await connectionFor(tx, input)
      })
      takeTurn(scope)
      const address = readAddress(input)
      if (address instanceof AppError) {
        const { authMethod } = input
        const test = { as, fabricId: null, authMethod, provider, publicUrl }
        const result = refuseAddress(address, test, listener)
        await audit.record(scope, [testEvent({ ...test, workspaceOrigin: null }, result)])
        return result
      }
      const compute = triedOf(readCompute(provider, input, address.httpPath))
      const workspaceOrigin = address.origin
      const { authMethod } = input
      const subject = { as, fabricId: null, workspaceOrigin, authMethod, connection, compute }
      const plan = planOf(scope, subject, async () => {
        if (as === 'user') return await userToken(scope, subject)
        if (input.servicePrincipal === undefined) throw new AppError('service_principal_missing')
        return await trialToken(input.servicePrincipal, workspaceOrigin)
      })
      const result = await runTest(deps, plan, listener, signal)
      await audit.record(scope, [testEvent(plan, result)])
      return result
    }
  }

  function triedOf(columns: ComputeColumns): TestPlan['compute'] {
    const compute = computeOf(provider, columns)
    const { catalog, schema } = columns
    return compute === null ? null : { compute, catalog, schema }
  }

  /** What is wrong with the one address that is given is the first step's to tell. */
  function readAddress(input: NewFabric): WorkspaceAddress | AppError {
    try {
      return readWorkspace(deps.outbound, provider, input)
    } catch (error) {
      const isGiven = (input.workspaceUrl === undefined) !== (input.jdbcUrl === undefined)
      if (error instanceof AppError && isGiven) return error
      throw error
    }
  }
}

async function connectionFor(tx: Tx, input: NewFabric): Promise<AppConnectionRow | null> {
  const appConnectionId = input.appConnectionId ?? null
  const { provider, authMethod } = input
  const connection = await appConnectionOf(tx, { appConnectionId, provider, authMethod })
  if (appConnectionId !== null && connection === null) {
    throw new AppError('not_found', { detail: 'No such app connection' })
  }
  return connection
}

/** Testing as the service principal is using it. */
function mayTestAs(tx: Tx, as: TestAs, use: string, teamId: TeamId): void {
  const isAllowed =
    as === 'user' || use === 'team' || tx.scope.authority.may('service_principal.use', teamId)
  if (!isAllowed) throw new AppError('forbidden')
}
