import { asId, type UserId } from '../base/ids.ts'
import type { Db, Tx } from '../store/db.ts'
import { findMembership } from '../store/memberships.ts'
import { findPersonalToken, findPersonalTokenByHash } from '../store/personal-tokens.ts'
import { isPlatformOperator } from '../store/platform-operators.ts'
import { findScimToken, findScimTokenByHash } from '../store/scim-tokens.ts'
import { findServiceKeyByHash } from '../store/service-keys.ts'
import { findSession, findSessionByHash } from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { findTenant } from '../store/tenants.ts'
import type { Remembered } from '../store/versioned-memory.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { Caller } from './caller.ts'
import type { Credential } from './credential.ts'
import { identityScope } from './identity-scope.ts'
import { endOfToken, narrowedTo, scopeOfToken } from './personal-token-scope.ts'
import { authorityOf, teamRoleOf } from './roles.ts'
import { readServiceKey, readServiceToken } from './service-credentials.ts'
import { tenantRoleOf } from './tenant-role.ts'

/** What is presented: its hash, and a token itself, which is found by what it says. */
export interface Presented {
  readonly via: Caller['via']
  readonly hash: string
  readonly token: string
  /** The address that it comes from. */
  readonly source: string
}

/** Reads what stands behind it. Null: nothing that lets anybody in. */
export type ReadCredential = (presented: Presented) => Promise<Remembered<Credential> | null>

/** What may be presented, each by its own look-up: a hash of one kind never finds another. */
export function createCredentialReading(
  db: Db,
  accessTokens: Pick<AccessTokens, 'read'>
): Readonly<Record<Caller['via'], ReadCredential>> {
  /** Finds whose it is, then reads it anew in its tenant, under the version that the tenant has. */
  function reading<T extends { readonly tenantId: string }>(
    locate: (presented: Presented) => Promise<T | null>,
    read: (tx: Tx, presented: Presented, located: T) => Promise<Credential | null>
  ): ReadCredential {
    return async (presented) => {
      const located = await locate(presented)
      if (located === null) return null
      const tenantId = asId('tenant', located.tenantId)
      return await db.inTenant(identityScope(tenantId, null), async (tx) => {
        const tenant = await findTenant(tx)
        if (tenant?.status !== 'active') return null
        const value = await read(tx, presented, located)
        return value === null ? null : { tenantId, version: tenant.version, value }
      })
    }
  }

  return {
    session: reading(
      ({ hash }) => findSessionByHash(db, hash),
      (tx, { hash }) => readSession(tx, hash)
    ),
    personal_token: reading(
      ({ hash }) => findPersonalTokenByHash(db, hash),
      (tx, { hash }) => readPersonalToken(tx, hash)
    ),
    service_key: reading(
      ({ hash }) => findServiceKeyByHash(db, hash),
      (tx, { hash }) => readServiceKey(tx, hash)
    ),
    service_token: reading(
      ({ token }) => accessTokens.read(token),
      (tx, _presented, facts) => readServiceToken(tx, facts)
    ),
    scim_token: reading(
      ({ hash }) => findScimTokenByHash(db, hash),
      (tx, { hash }) => readScimToken(tx, hash)
    )
  }
}

async function readSession(tx: Tx, hash: string): Promise<Credential | null> {
  const row = await findSession(tx, hash)
  const facts = row === null ? null : await factsOfMember(tx, asId('user', row.userId))
  if (row === null || facts === null) return null
  const { tenantId } = tx.scope
  const isOperator = await isPlatformOperator(tx, row.userId)
  return {
    via: 'session',
    tenantId,
    actor: { kind: 'user', id: asId('user', row.userId) },
    authority: authorityOf({ ...facts, isPlatformOperator: isOperator }),
    sessionId: asId('session', row.id),
    keyId: null,
    ends: [row.expiresAt, row.idleExpiresAt],
    lastUse: { kind: 'session', tenantId, id: row.id, at: row.lastSeenAt }
  }
}

/** Its person as they are now, narrowed; running the platform is nothing for a script. */
async function readPersonalToken(tx: Tx, hash: string): Promise<Credential | null> {
  const row = await findPersonalToken(tx, hash)
  const policy = await readTenantSettings(tx)
  if (row === null || !policy.personalTokensAllowed) return null
  const userId = asId('user', row.userId)
  const facts = await factsOfMember(tx, userId)
  if (facts === null) return null
  const { tenantId } = tx.scope
  return {
    via: 'personal_token',
    tenantId,
    actor: { kind: 'user', id: userId },
    authority: narrowedTo(authorityOf(facts), scopeOfToken(row)),
    sessionId: null,
    keyId: asId('personalToken', row.id),
    ends: [endOfToken(row, policy)],
    lastUse: { kind: 'personal_token', tenantId, id: row.id, at: row.lastUsedAt }
  }
}

/** Null: no member, or not now. */
async function factsOfMember(tx: Tx, userId: UserId) {
  const membership = await findMembership(tx, userId)
  if (membership?.status !== 'active') return null
  const teams = await listTeamsOfUser(tx, userId)
  return {
    kind: 'user',
    role: await tenantRoleOf(tx, membership),
    teams: teams.map(({ id, role }) => ({ id: asId('team', id), role: teamRoleOf(role) }))
  } as const
}

async function readScimToken(tx: Tx, hash: string): Promise<Credential | null> {
  const row = await findScimToken(tx, hash)
  if (row === null) return null
  const { tenantId } = tx.scope
  return {
    via: 'scim_token',
    tenantId,
    actor: { kind: 'scim_token', id: asId('scimToken', row.id) },
    authority: authorityOf({ kind: 'scim_token' }),
    sessionId: null,
    keyId: null,
    ends: row.expiresAt === null ? [] : [row.expiresAt],
    lastUse: { kind: 'scim_token', tenantId, id: row.id, at: row.lastUsedAt }
  }
}
