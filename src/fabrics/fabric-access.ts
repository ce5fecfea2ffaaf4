import assert from 'node:assert'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type FabricId, type GrantId, type UserId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Provider } from '../providers/provider.ts'
import { providers } from '../providers/registry.ts'
import type { AppConnectionRow } from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { type FabricFacts, readFabricFacts } from '../store/fabric-facts.ts'
import type { FabricRow } from '../store/fabrics.ts'
import { findUserGrant } from '../store/grants.ts'
import { createVersionedMemory, type Remembered } from '../store/versioned-memory.ts'
import { refuseHost } from '../vault/credentials.ts'
import type { AccessToken, TokenOptions } from '../vault/vault.ts'
import { mustFindDelegated } from './delegated.ts'
import { computeOf } from './fabric-compute.ts'
import { viewDeadlines } from './fabric-deadlines.ts'
import { type FabricDeps, mustSee, refuseOtherFabric } from './fabric-deps.ts'
import { appConnectionOf, isReady } from './fabric-view.ts'
import type { Deadlines } from './fabrics.ts'
import { grantKeyOf } from './own-grant.ts'
import { signInPathOf } from './sign-in-path.ts'

export type ActAs = 'user' | 'service_principal'

/** A fabric that the actor may ask through, and as whom. */
export interface OpenFabric {
  readonly id: FabricId
  readonly provider: Provider
  readonly workspaceOrigin: string
  readonly identity: ActAs
  /** Where a person signs in for it, a path. */
  readonly signInPath: string
  /** Endpoints of the fabric's and the caller's own list; null: no list narrows it. */
  readonly endpoints: ReadonlySet<string> | null
  /** The SQL warehouse that statements go to where they name none. */
  readonly warehouseId: string | null
  /** What the fabric sets of them; null: nothing. */
  readonly deadlines: Deadlines | null
  /** Of the calling service account through this fabric; null: no limit by the minute. */
  readonly requestsPerMinute: number | null
  /** Null: a service principal whose grant is not made yet, or a person who never signed in. */
  readonly grantId: GrantId | null
  /** Whose sign-in is used: the actor's, or of whom they act for; null: the service principal's. */
  readonly person: UserId | null
  /** When the person's word for it ends; null: it takes none. */
  readonly endsAt: Date | null
}

/** As whom something is asked, as far as the caller says. */
export interface AskedIdentity {
  /** Null: a person as themself, a service account as the service principal. */
  readonly actAs: ActAs | null
  /** Id or address of whom a service account acts for; null: of nobody. */
  readonly user: string | null
  /** Whether a fabric that is not complete yet will do: for what is looked up to complete it. */
  readonly isDraftFine?: boolean
}

export interface FabricAccess {
  /**
   * @throws AppError `not_found`, `forbidden` (a credential that is bound to another one, no delegation),
   *   `invalid_request`, `fabric_incomplete`, `service_principal_missing`, `app_connection_missing`, `host_not_allowed`
   */
  open(scope: TenantScope, id: FabricId, asked: AskedIdentity): Promise<OpenFabric>
  /**
   * A token for the identity that `open` settled; no other is ever tried.
   * @throws AppError `sign_in_needed` with the link to act on, and whatever the vault throws
   */
  token(
    scope: TenantScope,
    fabric: OpenFabric,
    minLifeMs: number,
    options?: TokenOptions
  ): Promise<AccessToken>
  /**
   * The same for one thing alone, see `Vault.scopedToken`.
   * @throws AppError as `token`, and `forbidden`: the identity has not these rights
   */
  scopedToken(
    scope: TenantScope,
    fabric: OpenFabric,
    authorizationDetails: string,
    minLifeMs: number,
    options?: TokenOptions
  ): Promise<AccessToken>
}

const openMax = 50_000

export function createFabricAccess(deps: FabricDeps): FabricAccess {
  const { db, vault, clock, versions, publicUrl } = deps
  const opened = createVersionedMemory<OpenFabric>(versions, openMax)

  async function readOpen(
    scope: TenantScope,
    id: FabricId,
    { actAs, user, isDraftFine = false }: AskedIdentity
  ): Promise<Remembered<OpenFabric>> {
    const facts = await readFabricFacts(db, scope, id)
    const { row, accountEndpoints, requestsPerMinute } = foundForActor(scope, facts)
    const delegated =
      user === null
        ? null
        : await db.inTenant(scope, (tx) =>
            mustFindDelegated(tx, row, user, { publicUrl, now: clock.now() })
          )
    const identity = delegated === null ? settleIdentity(scope, row, actAs) : 'user'
    const person = identity === 'user' ? (delegated?.userId ?? personOf(scope)) : null
    if (row.status !== 'complete' && !isDraftFine) throw new AppError('fabric_incomplete')
    const grantId =
      delegated === null
        ? grantIdIn(facts, row, identity)
        : await db.inTenant(scope, (tx) => findGrantId(tx, row, delegated.userId))
    const ofFabric = row.hasEndpointList ? row.endpointAllowList : null
    const endpoints = narrow([ofFabric, accountEndpoints, delegated?.endpoints ?? null])
    const { workspaceOrigin } = row
    const provider = providers.databricks
    const compute = computeOf(provider, row)
    const warehouseId = compute?.kind === 'warehouse' ? compute.id : null
    const deadlines = viewDeadlines(row)
    const value: OpenFabric = {
      id,
      provider,
      workspaceOrigin,
      identity,
      signInPath: signInPathOf(row),
      endpoints,
      warehouseId,
      deadlines: Object.keys(deadlines).length === 0 ? null : deadlines,
      requestsPerMinute,
      grantId,
      person,
      endsAt: delegated?.expiresAt ?? null
    }
    // Who has not signed in yet may do so at any moment, and is not to be told twice.
    const isSettled = identity !== 'user' || grantId !== null
    return { tenantId: scope.tenantId, version: isSettled ? facts.version : null, value }
  }

  async function grantOf(scope: TenantScope, fabric: OpenFabric): Promise<GrantId> {
    if (fabric.grantId !== null) return fabric.grantId
    if (fabric.identity === 'user') throw new AppError('sign_in_needed')
    const grantId = await vault.openServicePrincipalGrant(scope, fabric.id, fabric.workspaceOrigin)
    for (const actAs of [null, fabric.identity]) {
      for (const isDraftFine of [false, true]) {
        opened.drop(keyOf(scope, fabric.id, { actAs, user: null, isDraftFine }))
      }
    }
    return grantId
  }

  async function withGrant(
    scope: TenantScope,
    fabric: OpenFabric,
    take: (grantId: GrantId) => Promise<AccessToken>
  ): Promise<AccessToken> {
    try {
      return await take(await grantOf(scope, fabric))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'sign_in_needed') throw error
      throw signInNeeded(fabric, error)
    }
  }

  return {
    async open(scope, id, asked) {
      refuseByCredential(scope, id, asked)
      const key = keyOf(scope, id, asked)
      const find = async () => {
        const found = await opened.get(key, () => readOpen(scope, id, asked))
        assert(found !== null, 'a fabric that is not there is thrown and not returned')
        return found
      }
      const fabric = await find()
      if (fabric.endsAt === null || fabric.endsAt > clock.now()) return fabric
      opened.drop(key)
      return await find()
    },

    token: (scope, fabric, minLifeMs, options) =>
      withGrant(scope, fabric, (grantId) => vault.accessToken(scope, grantId, minLifeMs, options)),

    scopedToken: (scope, fabric, authorizationDetails, minLifeMs, options) =>
      withGrant(scope, fabric, (grantId) =>
        vault.scopedToken(scope, grantId, authorizationDetails, minLifeMs, options)
      )
  }
}

/** Before what is remembered, which holds for every credential of the same actor. */
function refuseByCredential(
  scope: TenantScope,
  id: FabricId,
  { actAs, user }: AskedIdentity
): void {
  refuseOtherFabric(scope, id)
  if (user !== null && scope.actor.kind !== 'service_account') {
    throw new AppError('forbidden', { detail: 'Only a service account acts for somebody else' })
  }
  if (user !== null && actAs !== 'user') {
    throw invalidRequest('/headers/x-weft-user', 'goes with x-weft-act-as: user')
  }
  if (actAs === 'service_principal' && scope.authority.isPersonOnly) {
    throw new AppError('forbidden', { detail: 'A personal access token acts as its person only' })
  }
}

function keyOf(
  scope: TenantScope,
  id: FabricId,
  { actAs, user, isDraftFine = false }: AskedIdentity
): string {
  const draft = isDraftFine ? 'draft' : ''
  return `${scope.tenantId}/${scope.actor.id}/${id}/${actAs ?? ''}/${draft}/${user ?? ''}`
}

function personOf({ actor }: TenantScope): UserId {
  assert(actor.kind === 'user', 'nobody else is settled to act as themself')
  return actor.id
}

function signInNeeded({ signInPath }: Pick<OpenFabric, 'signInPath'>, error: AppError): AppError {
  const { detail, retryAt } = error
  return new AppError('sign_in_needed', {
    actionUrl: signInPath,
    ...(detail === undefined ? {} : { detail }),
    ...(retryAt === undefined ? {} : { retryAt })
  })
}

/** The workspace refuses even a fresh token: its own 401 and 403 never leave Weft as such. */
export function refusedToken(fabric: Pick<OpenFabric, 'identity' | 'signInPath'>): AppError {
  const detail = 'The workspace refused a fresh access token'
  return fabric.identity === 'user'
    ? signInNeeded(fabric, new AppError('sign_in_needed', { detail }))
    : new AppError('service_principal_refused', { detail })
}

interface Found {
  readonly row: FabricRow
  /** The service account's own list; null: none. */
  readonly accountEndpoints: readonly string[] | null
  readonly requestsPerMinute: number | null
}

/** A service account reaches the fabrics that are listed for it; a person those of their teams. */
function foundForActor(scope: TenantScope, { row, allowance }: FabricFacts): Found {
  if (scope.actor.kind !== 'service_account') {
    mustSee(scope, row, 'endpoint.discover')
    return { row, accountEndpoints: null, requestsPerMinute: null }
  }
  if (allowance === null || row === null) throw new AppError('not_found')
  const { hasEndpointList, endpoints, requestsPerMinute } = allowance
  return { row, accountEndpoints: hasEndpointList ? endpoints : null, requestsPerMinute }
}

/** Nothing falls back: what is not allowed or not there is refused, whatever else would have worked. */
function settleIdentity(scope: TenantScope, row: FabricRow, actAs: ActAs | null): ActAs {
  const isPerson = scope.actor.kind === 'user'
  const identity = actAs ?? (isPerson ? 'user' : 'service_principal')
  if (identity === 'user') {
    if (isPerson) return identity
    throw new AppError('forbidden', {
      detail:
        'A service account acts as the service principal, or for a person whom x-weft-user names'
    })
  }
  const may =
    !isPerson ||
    row.servicePrincipalUse === 'team' ||
    scope.authority.may('service_principal.use', asId('team', row.teamId))
  if (!may) {
    throw new AppError('forbidden', {
      detail: "This fabric's service principal is for its admins only"
    })
  }
  if (row.servicePrincipal === null) throw new AppError('service_principal_missing')
  return identity
}

/** Null: it is not made yet, or the person has not signed in. */
function grantIdIn(
  { connection, principalGrantId, ownGrants }: FabricFacts,
  row: FabricRow,
  identity: ActAs
): GrantId | null {
  if (identity === 'service_principal') {
    return principalGrantId === null ? null : asId('grant', principalGrantId)
  }
  const way = row.authMethod === 'pat' ? null : mustServe(connection, row).id
  const grant = ownGrants.find(({ appConnectionId }) => appConnectionId === way)
  return grant === undefined ? null : asId('grant', grant.id)
}

async function findGrantId(tx: Tx, row: FabricRow, person: UserId): Promise<GrantId | null> {
  if (row.authMethod !== 'pat') await mustHaveConnection(tx, row)
  const key = await grantKeyOf(tx, row, person)
  const grant = key === null ? null : await findUserGrant(tx, key)
  return grant === null ? null : asId('grant', grant.id)
}

/** The app connection that serves this fabric's host. */
export async function mustHaveConnection(
  tx: Tx,
  row: Pick<FabricRow, 'appConnectionId' | 'provider' | 'workspaceOrigin' | 'authMethod'>
): Promise<AppConnectionRow> {
  return mustServe(await appConnectionOf(tx, row), row)
}

function mustServe(
  connection: AppConnectionRow | null,
  row: Pick<FabricRow, 'workspaceOrigin'>
): AppConnectionRow {
  if (!isReady(connection)) throw new AppError('app_connection_missing')
  refuseHost(connection, row.workspaceOrigin)
  return connection
}

/** What stands on every list; null: there is none. */
function narrow(lists: readonly (readonly string[] | null)[]): ReadonlySet<string> | null {
  const [first, ...others] = lists.filter((list) => list !== null)
  if (first === undefined) return null
  return new Set(first.filter((name) => others.every((list) => list.includes(name))))
}
