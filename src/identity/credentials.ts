import { asId } from '../base/ids.ts'
import {
  mappedAdminOfHolder,
  membershipOfHolder,
  operatorOfHolder,
  personalTokenOf,
  placesOfHolder,
  sessionOf
} from '../store/credential-holders.ts'
import type { Db } from '../store/db.ts'
import type { MembershipRow } from '../store/memberships.ts'
import { scimTokenOf } from '../store/scim-tokens.ts'
import { placesOf, type TeamPlace } from '../store/teams.ts'
import { orDefaults, tenantSettings } from '../store/tenant-settings.ts'
import { type TenantStatus, tenantVersion } from '../store/tenant-versions.ts'
import type { Remembered } from '../store/versioned-memory.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { Caller } from './caller.ts'
import type { Credential } from './credential.ts'
import { endOfToken, narrowedTo, scopeOfToken } from './personal-token-scope.ts'
import { authorityOf, teamRoleOf } from './roles.ts'
import { readServiceKey, readServiceToken } from './service-credentials.ts'
import { roleOf } from './tenant-role.ts'

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
  return {
    session: ({ hash }) => readSession(db, hash),
    personal_token: ({ hash }) => readPersonalToken(db, hash),
    service_key: ({ hash }) => readServiceKey(db, hash),
    async service_token({ token }) {
      const facts = await accessTokens.read(token)
      return facts === null ? null : await readServiceToken(db, facts)
    },
    scim_token: ({ hash }) => readScimToken(db, hash)
  }
}

/** In one round trip, whosever session it is. */
async function readSession(db: Db, hash: string): Promise<Remembered<Credential> | null> {
  const presented = { table: 'sessions', hash } as const
  const [[tenant], [row], [membership], places, mappedAdmin, operator] = await db.askOwner(
    presented,
    tenantVersion(),
    sessionOf(hash),
    membershipOfHolder(presented),
    placesOfHolder(presented),
    mappedAdminOfHolder(presented),
    operatorOfHolder(presented)
  )
  const facts = factsOfMember(membership, places, mappedAdmin.length > 0)
  if (row === undefined || facts === null) return null
  const tenantId = asId('tenant', row.tenantId)
  return ofActive(tenant, {
    via: 'session',
    tenantId,
    actor: { kind: 'user', id: asId('user', row.userId) },
    authority: authorityOf({ ...facts, isPlatformOperator: operator.length > 0 }),
    sessionId: asId('session', row.id),
    keyId: null,
    ends: [row.expiresAt, row.idleExpiresAt],
    lastUse: { kind: 'session', tenantId, id: row.id, at: row.lastSeenAt }
  })
}

/** Its person as they are now, narrowed; running the platform is nothing for a script. */
async function readPersonalToken(db: Db, hash: string): Promise<Remembered<Credential> | null> {
  const presented = { table: 'personal_tokens', hash } as const
  const [[tenant], [row], [settings], [membership], places, mappedAdmin] = await db.askOwner(
    presented,
    tenantVersion(),
    personalTokenOf(hash),
    tenantSettings(),
    membershipOfHolder(presented),
    placesOfHolder(presented),
    mappedAdminOfHolder(presented)
  )
  const policy = orDefaults(settings)
  const facts = factsOfMember(membership, places, mappedAdmin.length > 0)
  if (row === undefined || facts === null || !policy.personalTokensAllowed) return null
  const tenantId = asId('tenant', row.tenantId)
  return ofActive(tenant, {
    via: 'personal_token',
    tenantId,
    actor: { kind: 'user', id: asId('user', row.userId) },
    authority: narrowedTo(authorityOf(facts), scopeOfToken(row)),
    sessionId: null,
    keyId: asId('personalToken', row.id),
    ends: [endOfToken(row, policy)],
    lastUse: { kind: 'personal_token', tenantId, id: row.id, at: row.lastUsedAt }
  })
}

/** Null: no member, or not now. */
function factsOfMember(
  membership: MembershipRow | undefined,
  places: readonly TeamPlace[],
  isMappedAdmin: boolean
) {
  if (membership?.status !== 'active') return null
  return {
    kind: 'user',
    role: roleOf(membership, isMappedAdmin),
    teams: placesOf(places).map(({ id, role }) => ({
      id: asId('team', id),
      role: teamRoleOf(role)
    }))
  } as const
}

async function readScimToken(db: Db, hash: string): Promise<Remembered<Credential> | null> {
  const [[tenant], [row]] = await db.askOwner(
    { table: 'scim_tokens', hash },
    tenantVersion(),
    scimTokenOf(hash)
  )
  if (row === undefined) return null
  const tenantId = asId('tenant', row.tenantId)
  return ofActive(tenant, {
    via: 'scim_token',
    tenantId,
    actor: { kind: 'scim_token', id: asId('scimToken', row.id) },
    authority: authorityOf({ kind: 'scim_token' }),
    sessionId: null,
    keyId: null,
    ends: row.expiresAt === null ? [] : [row.expiresAt],
    lastUse: { kind: 'scim_token', tenantId, id: row.id, at: row.lastUsedAt }
  })
}

/** Under the version that the tenant had before the rest was read; nothing where it is not served. */
function ofActive(
  tenant: TenantStatus | undefined,
  value: Credential
): Remembered<Credential> | null {
  if (tenant?.status !== 'active') return null
  return { tenantId: value.tenantId, version: tenant.version, value }
}
