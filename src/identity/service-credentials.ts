import { asId, type FabricId, type ServiceAccountId, type TenantId } from '../base/ids.ts'
import type { Tx } from '../store/db.ts'
import { findFederatedIdentity } from '../store/federated-identities.ts'
import { findServiceAccount } from '../store/service-accounts.ts'
import { findServiceKey, findServiceKeyById, type ServiceKeyRow } from '../store/service-keys.ts'
import type { AccessTokenFacts } from './access-tokens.ts'
import type { Credential } from './credential.ts'
import { authorityOf } from './roles.ts'
import { networkRule } from './source-networks.ts'

export async function readServiceKey(tx: Tx, hash: string): Promise<Credential | null> {
  const key = await findServiceKey(tx, hash)
  return key === null ? null : await asAccountMay(tx, ofKey(key, null))
}

export async function readServiceToken(
  tx: Tx,
  token: AccessTokenFacts
): Promise<Credential | null> {
  return await asAccountMay(tx, await readWhatTokenStandsFor(tx, token))
}

/** Nothing from a service account that is disabled, and from where it may come alone. */
async function asAccountMay(tx: Tx, credential: Credential | null): Promise<Credential | null> {
  if (credential === null) return null
  const account = await findServiceAccount(tx, credential.actor.id)
  if (account === null || account.isDisabled) return null
  return { ...credential, admits: networkRule(account.allowedNetworks) }
}

/** A token is worth what it was got with is worth now; an identity that was changed since, nothing. */
async function readWhatTokenStandsFor(tx: Tx, token: AccessTokenFacts): Promise<Credential | null> {
  const { serviceAccountId, credentialId, fabricId } = token
  const key = await findServiceKeyById(tx, serviceAccountId, credentialId)
  if (key !== null) return ofKey(key, token)
  const identity = await findFederatedIdentity(tx, serviceAccountId, credentialId)
  if (identity === null || identity.version !== token.credentialVersion) return null
  const { tenantId } = tx.scope
  const { id, lastUsedAt: at } = identity
  return {
    ...ofServiceAccount(tenantId, serviceAccountId, fabricId),
    via: 'service_token',
    keyId: credentialId,
    ends: [token.expiresAt],
    lastUse: { kind: 'federated_identity', tenantId, id, at }
  }
}

function ofServiceAccount(tenantId: TenantId, id: ServiceAccountId, fabricId: FabricId | null) {
  const actor = { kind: 'service_account', id } as const
  const authority = authorityOf({ kind: 'service_account', fabricId })
  return { tenantId, actor, authority, sessionId: null }
}

function ofKey(
  key: ServiceKeyRow,
  token: Pick<AccessTokenFacts, 'expiresAt' | 'fabricId'> | null
): Credential | null {
  if (key.revokedAt !== null) return null
  const tenantId = asId('tenant', key.tenantId)
  const { fabricId = null } = token ?? {}
  const ends = [token?.expiresAt, key.expiresAt].filter((end) => end instanceof Date)
  return {
    ...ofServiceAccount(tenantId, asId('serviceAccount', key.serviceAccountId), fabricId),
    via: token === null ? 'service_key' : 'service_token',
    keyId: asId('key', key.id),
    ends,
    lastUse: { kind: 'service_key', tenantId, id: key.id, at: key.lastUsedAt }
  }
}
