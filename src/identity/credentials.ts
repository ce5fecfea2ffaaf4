import { asId, type UserId } from '../base/ids.ts'
import type { Db, OwnedTable, Tx } from '../store/db.ts'
import { findMembership } from '../store/memberships.ts'
import { findPersonalToken } from '../store/personal-tokens.ts'
import { isPlatformOperator } from '../store/platform-operators.ts'
import { findScimToken } from '../store/scim-tokens.ts'
import { findSession } from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { tenantVersion } from '../store/tenant-versions.ts'
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
  /** Finds whose it is, then reads it anew in its tenant, under the version that the tenant had before. */
  function reading(
    table: OwnedTable,
    read: (tx: Tx, hash: string) => Promise<Credential | null>
  ): ReadCredential {
    return async ({ hash }) => {
      const [[tenant]] = await db.askOwner({ table, hash }, tenantVersion())
      if (tenant?.status !== 'active') return null
      const tenantId = asId('tenant', tenant.id)
      const value = await db.inTenant(identityScope(tenantId, null), (tx) => read(tx, hash))
      return value === null ? null : { tenantId, version: tenant.version, value }
    }
  }

  return {
    session: reading('sessions', readSession),
    personal_token: reading('personal_tokens', readPersonalToken),
    service_key: ({ hash }) => readServiceKey(db, hash),
    async service_token({ token }) {
      const facts = await accessTokens.read(token)
      return facts === null ? null : await readServiceToken(db, facts)
    },
    scim_token: reading('scim_tokens', readScimToken)
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
