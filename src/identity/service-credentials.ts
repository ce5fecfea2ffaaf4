import { asId, type FabricId, type ServiceAccountId, type TenantId } from '../base/ids.ts'
import type { Db } from '../store/db.ts'
import { type FederatedIdentityRow, federatedIdentityOf } from '../store/federated-identities.ts'
import {
  type ServiceAccountRow,
  serviceAccountOf,
  serviceAccountOfKey
} from '../store/service-accounts.ts'
import { type ServiceKeyRow, serviceKeyOf, serviceKeyOfId } from '../store/service-keys.ts'
import { type TenantStatus, tenantVersion } from '../store/tenant-versions.ts'
import type { Remembered } from '../store/versioned-memory.ts'
import type { AccessTokenFacts } from './access-tokens.ts'
import type { Credential } from './credential.ts'
import { identityScope } from './identity-scope.ts'
import { authorityOf } from './roles.ts'
import { networkRule } from './source-networks.ts'

/** In one round trip, whosever key it is. */
export async function readServiceKey(db: Db, hash: string): Promise<Remembered<Credential> | null> {
  const [[tenant], [key], [account]] = await db.askOwner(
    { table: 'service_keys', hash },
    tenantVersion(),
    serviceKeyOf(hash),
    serviceAccountOfKey(hash)
  )
  return key === undefined ? null : asMay(tenant, account, ofKey(key, null))
}

/** A token is worth what it was got with is worth now. */
export async function readServiceToken(
  db: Db,
  token: AccessTokenFacts
): Promise<Remembered<Credential> | null> {
  const { tenantId, serviceAccountId, credentialId } = token
  const [[tenant], [key], [identity], [account]] = await db.ask(
    identityScope(tenantId, null),
    tenantVersion(),
    serviceKeyOfId(serviceAccountId, credentialId),
    federatedIdentityOf(serviceAccountId, credentialId),
    serviceAccountOf(serviceAccountId)
  )
  const credential = key === undefined ? ofIdentity(identity, token) : ofKey(key, token)
  return asMay(tenant, account, credential)
}

/** Nothing where the tenant is not served or the service account is disabled, and from where it may come alone. */
function asMay(
  tenant: TenantStatus | undefined,
  account: ServiceAccountRow | undefined,
  credential: Credential | null
): Remembered<Credential> | null {
  if (tenant?.status !== 'active' || account?.isDisabled !== false || credential === null)
    return null
  const value = { ...credential, admits: networkRule(account.allowedNetworks) }
  return { tenantId: credential.tenantId, version: tenant.version, value }
}

/** Of an identity that was changed since, nothing. */
function ofIdentity(
  identity: FederatedIdentityRow | undefined,
  token: AccessTokenFacts
): Credential | null {
  if (identity === undefined || identity.version !== token.credentialVersion) return null
  const { tenantId, serviceAccountId, credentialId, fabricId } = token
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
