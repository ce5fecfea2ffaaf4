import { plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { FabricId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { providers } from '../providers/registry.ts'
import { deleteClientSecret, insertClientSecret } from '../store/client-secrets.ts'
import type { Tx } from '../store/db.ts'
import { lockFabric, replaceServicePrincipal, updateFabric } from '../store/fabrics.ts'
import { clearSetbacks } from '../store/grants.ts'
import {
  type ClientSecretInput,
  type SealedClientSecret,
  sealClientSecret
} from '../vault/client-secrets.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import type { Fabrics, FabricView } from './fabrics.ts'
import type { ServicePrincipalInput } from './service-principal.ts'

export interface SealedPrincipal {
  readonly clientId: string
  /** Null: it goes without one. */
  readonly secret: SealedClientSecret | null
}

const dayMs = 24 * 60 * 60_000

/** Sealed before the transaction begins, stored within it. */
async function sealSecret(
  deps: Pick<FabricDeps, 'strongbox' | 'clock'>,
  scope: TenantScope,
  input: ClientSecretInput,
  parent: string
): Promise<SealedClientSecret> {
  const { secretLifeDaysMax } = providers.databricks.servicePrincipals
  // A day's grace for whoever copies the end of one that was made with the longest life.
  const latest = plusMs(deps.clock.now(), (secretLifeDaysMax + 1) * dayMs)
  if (input.expiresAt !== undefined && input.expiresAt > latest) {
    throw invalidRequest(`${parent}/expiresAt`, `a secret lives ${secretLifeDaysMax} days at most`)
  }
  return await sealClientSecret(deps, scope, input, `${parent}/clientSecret`)
}

export async function sealPrincipal(
  deps: Pick<FabricDeps, 'strongbox' | 'clock'>,
  scope: TenantScope,
  input: ServicePrincipalInput
): Promise<SealedPrincipal> {
  const { clientId } = input
  if (input.federated) return { clientId, secret: null }
  return { clientId, secret: await sealSecret(deps, scope, input, '/servicePrincipal') }
}

/** In place of the one before it, of whose secrets none stays. */
export async function keepPrincipal(
  tx: Tx,
  fabricId: FabricId,
  { clientId, secret }: SealedPrincipal
): Promise<void> {
  await replaceServicePrincipal(tx, { fabricId, clientId, isFederated: secret === null })
  if (secret !== null) await insertClientSecret(tx, { fabricId }, secret)
}

type PrincipalSecrets = Pick<Fabrics, 'addPrincipalSecret' | 'removePrincipalSecret'>

/** A secret is replaced with overlap: added, tried before the older ones, which are deleted in their time. */
export function createPrincipalSecrets(
  deps: FabricDeps,
  view: (scope: TenantScope, id: FabricId) => Promise<FabricView>
): PrincipalSecrets {
  const { db, audit, clock } = deps
  const { secretsMax } = providers.databricks.servicePrincipals

  /** One change of a fabric's secrets at a time. */
  async function findLocked(
    tx: Tx,
    id: FabricId,
    operation: 'service_principal.add_secret' | 'service_principal.delete_secret'
  ) {
    await lockFabric(tx, id)
    const row = await mustFindFabric(tx, id, operation)
    await updateFabric(tx, id, row.version, { updatedAt: clock.now() })
    return row.servicePrincipal
  }

  return {
    async addPrincipalSecret(scope, id, input) {
      // Whoever may not has nothing sealed for them.
      await db.inTenant(scope, (tx) => mustFindFabric(tx, id, 'service_principal.add_secret'))
      const secret = await sealSecret(deps, scope, input, '')
      await db.inTenant(scope, async (tx) => {
        const principal = await findLocked(tx, id, 'service_principal.add_secret')
        if (principal === null) throw new AppError('service_principal_missing')
        if (principal.isFederated) {
          throw new AppError('conflict', {
            detail: 'This service principal goes without a secret: replace it whole to give it one'
          })
        }
        if (principal.clientSecrets.length >= secretsMax) {
          throw new AppError('conflict', {
            detail: `A service principal has ${secretsMax} secrets at most: delete one first`
          })
        }
        await insertClientSecret(tx, { fabricId: id }, secret)
        // What was refused may be accepted now: nobody waits for a next try.
        await clearSetbacks(tx, { fabricId: id })
        await audit.append(tx, {
          action: 'service_principal.add_secret',
          object: ['fabric', id],
          fabricId: id,
          details: { secretId: secret.id, expiresAt: secret.expiresAt?.toISOString() ?? null }
        })
      })
      return await view(scope, id)
    },

    removePrincipalSecret: (scope, id, secretId) =>
      db.inTenant(scope, async (tx) => {
        const principal = await findLocked(tx, id, 'service_principal.delete_secret')
        const secrets = principal?.clientSecrets ?? []
        if (secrets.every((secret) => secret.id !== secretId)) throw new AppError('not_found')
        if (secrets.length === 1) {
          throw new AppError('conflict', {
            detail: 'This is its only secret: add another one, or take the service principal away'
          })
        }
        await deleteClientSecret(tx, { fabricId: id }, secretId)
        await audit.append(tx, {
          action: 'service_principal.delete_secret',
          object: ['fabric', id],
          fabricId: id,
          details: { secretId }
        })
      })
  }
}
