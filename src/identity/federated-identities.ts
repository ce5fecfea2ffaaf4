import type { JSONWebKeySet } from 'jose'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type FederatedIdentityId, newId, type ServiceAccountId } from '../base/ids.ts'
import { isJsonObject } from '../base/json-object.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Db, Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  deleteFederatedIdentity,
  type FederatedIdentityRow,
  type FederatedIdentityValues,
  findFederatedIdentity,
  insertFederatedIdentity,
  listFederatedIdentities,
  updateFederatedIdentity
} from '../store/federated-identities.ts'
import { bumpServiceAccount, findServiceAccount } from '../store/service-accounts.ts'
import { checkFederation, type FederatedIdentityInput } from './federation-input.ts'
import { requireAuthority } from './roles.ts'

export interface FederatedIdentityView extends FederatedIdentityInput {
  readonly id: FederatedIdentityId
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly lastUsedAt: Date | null
}

/** JSON merge patch (RFC 7396): absent keeps; a claim that is null goes. */
export type FederatedIdentityPatch = Partial<Omit<FederatedIdentityInput, 'claims' | 'oneUse'>> & {
  readonly claims?: Readonly<Record<string, string | null>> | null
  readonly oneUse?: boolean | null
  readonly version: number
}

export interface FederatedIdentities {
  list(scope: TenantScope, accountId: ServiceAccountId): Promise<readonly FederatedIdentityView[]>
  get(
    scope: TenantScope,
    accountId: ServiceAccountId,
    id: FederatedIdentityId
  ): Promise<FederatedIdentityView>
  /** @throws AppError `invalid_request`; `conflict`: there are as many as an account may have */
  create(
    scope: TenantScope,
    accountId: ServiceAccountId,
    input: FederatedIdentityInput
  ): Promise<FederatedIdentityView>
  /** Tokens that were got with it as it was end. @throws AppError `invalid_request`, `version_conflict` */
  update(
    scope: TenantScope,
    accountId: ServiceAccountId,
    id: FederatedIdentityId,
    patch: FederatedIdentityPatch
  ): Promise<FederatedIdentityView>
  /** Its tokens end with it. */
  remove(scope: TenantScope, accountId: ServiceAccountId, id: FederatedIdentityId): Promise<void>
}

const perAccountMax = 20

export function createFederatedIdentities(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly outbound: Pick<Outbound, 'checkUrl'>
  readonly publicUrl: string
}): FederatedIdentities {
  const { db, audit, clock, outbound, publicUrl } = deps

  async function mustFind(tx: Tx, accountId: ServiceAccountId, id: FederatedIdentityId) {
    const row = await findFederatedIdentity(tx, accountId, id)
    if (row === null) throw new AppError('not_found')
    return row
  }

  return {
    async list(scope, accountId) {
      requireAuthority(scope, 'federated_identity.list')
      return await db.inTenant(scope, async (tx) => {
        if ((await findServiceAccount(tx, accountId)) === null) throw new AppError('not_found')
        return (await listFederatedIdentities(tx, accountId)).map(viewOf)
      })
    },
    async get(scope, accountId, id) {
      requireAuthority(scope, 'federated_identity.get')
      return await db.inTenant(scope, async (tx) => viewOf(await mustFind(tx, accountId, id)))
    },
    async create(scope, accountId, input) {
      requireAuthority(scope, 'federated_identity.create')
      await checkFederation(input, outbound, publicUrl)
      const id = newId('federatedIdentity', clock)
      const created = db.inTenant(scope, async (tx) => {
        // Its row stays locked, so that two creates at once count one another.
        if (!(await bumpServiceAccount(tx, accountId))) throw new AppError('not_found')
        const others = await listFederatedIdentities(tx, accountId)
        if (others.length >= perAccountMax) {
          const detail = `A service account has ${perAccountMax} federated identities at most`
          throw new AppError('conflict', { detail })
        }
        const values = { ...valuesOf(input), updatedAt: clock.now() }
        const own = { id, serviceAccountId: accountId, createdAt: clock.now() }
        const view = viewOf(await insertFederatedIdentity(tx, { ...values, ...own }))
        await audit.append(tx, {
          action: 'federated_identity.create',
          object: ['federated_identity', id],
          details: factsOf(accountId, input)
        })
        return view
      })
      return await created.catch(nameTaken)
    },
    async update(scope, accountId, id, { version, ...patch }) {
      requireAuthority(scope, 'federated_identity.update')
      const before = await db.inTenant(scope, (tx) => mustFind(tx, accountId, id))
      if (before.version !== version) throw new AppError('version_conflict')
      const input = merged(viewOf(before), patch)
      await checkFederation(input, outbound, publicUrl)
      const updated = db.inTenant(scope, async (tx) => {
        const values = { ...valuesOf(input), updatedAt: clock.now() }
        const isDone = await updateFederatedIdentity(tx, accountId, id, version, values)
        if (!isDone) throw new AppError('version_conflict')
        await audit.append(tx, {
          action: 'federated_identity.update',
          object: ['federated_identity', id],
          details: factsOf(accountId, input)
        })
        return viewOf(await mustFind(tx, accountId, id))
      })
      return await updated.catch(nameTaken)
    },
    async remove(scope, accountId, id) {
      requireAuthority(scope, 'federated_identity.delete')
      await db.inTenant(scope, async (tx) => {
        if (!(await deleteFederatedIdentity(tx, accountId, id))) throw new AppError('not_found')
        await audit.append(tx, {
          action: 'federated_identity.delete',
          object: ['federated_identity', id],
          details: { serviceAccountId: accountId }
        })
      })
    }
  }
}

function merged(
  view: FederatedIdentityView,
  { claims, oneUse, ...patch }: Omit<FederatedIdentityPatch, 'version'>
): FederatedIdentityInput {
  const { name, issuer, audience, subject, jwksUri, jwks, maxAgeSeconds } = { ...view, ...patch }
  const named = Object.entries(claims === null ? {} : { ...view.claims, ...claims })
  return {
    name,
    issuer,
    audience,
    subject,
    claims: Object.fromEntries(
      named.flatMap(([key, pattern]) => (pattern === null ? [] : [[key, pattern]]))
    ),
    jwksUri,
    jwks,
    maxAgeSeconds,
    oneUse: oneUse === undefined ? view.oneUse : oneUse === true
  }
}

function nameTaken(err: unknown): never {
  throw err instanceof UniqueViolation ? invalidRequest('/name', 'is taken') : err
}

function factsOf(serviceAccountId: ServiceAccountId, input: FederatedIdentityInput) {
  const { name, issuer, audience, subject, claims } = input
  const patterns = Object.entries(claims).map(([claim, pattern]) => `${claim}=${pattern}`)
  return { serviceAccountId, name, issuer, audience, subject, claims: patterns }
}

function valuesOf(input: FederatedIdentityInput): Omit<FederatedIdentityValues, 'updatedAt'> {
  const { oneUse, jwks, ...rest } = input
  // JSON by its schema: what is undefined in a key is left out by its writing.
  const json = jwks === null ? null : JSON.parse(JSON.stringify(jwks))
  return { ...rest, jwks: json, isOneUse: oneUse }
}

/** What a row says; `claims` and `jwks` were checked before they were written. */
export function viewOf(row: FederatedIdentityRow): FederatedIdentityView {
  const { name, issuer, audience, subject, jwksUri, maxAgeSeconds, isOneUse, version } = row
  const { createdAt, updatedAt, lastUsedAt } = row
  return {
    id: asId('federatedIdentity', row.id),
    name,
    issuer,
    audience,
    subject,
    claims: patternsOf(row.claims),
    jwksUri,
    jwks: isKeySet(row.jwks) ? row.jwks : null,
    maxAgeSeconds,
    oneUse: isOneUse,
    version,
    createdAt,
    updatedAt,
    lastUsedAt
  }
}

function patternsOf(value: unknown): Record<string, string> {
  const entries = isJsonObject(value) ? Object.entries(value) : []
  return Object.fromEntries(entries.map(([name, pattern]) => [name, String(pattern)]))
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isJsonObject(value) && Array.isArray(value.keys)
}
