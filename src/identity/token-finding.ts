import type { Audit } from '../audit/audit.ts'
import { type AuditEventView, type AuditReader, auditEventView } from '../audit/audit-reader.ts'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { bearerChecksumHolds, disclose, hashToken } from '../crypto/bearer.ts'
import { looksLikeJwt } from '../crypto/signing-key.ts'
import { type AuditEventRow, findIssueOfToken } from '../store/audit-events.ts'
import { personalTokenOf, sessionOf } from '../store/credential-holders.ts'
import type { Db } from '../store/db.ts'
import { scimTokenOf } from '../store/scim-tokens.ts'
import { serviceKeyOf } from '../store/service-keys.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import type { TokenMarks } from '../vault/token-marks.ts'
import { accessTokenTyp } from './access-tokens.ts'
import { requireAuthority } from './roles.ts'

/** A credential that somebody has found where it should not be. */
export interface FoundToken {
  readonly kind: 'service_key' | 'personal_token' | 'scim_token' | 'service_token' | 'session'
  /** By which its uses stand in the record; of a service token: what it was got with. */
  readonly credentialId: string
  readonly owner: { readonly kind: 'user' | 'service_account' | 'scim_token'; readonly id: string }
  /** The record of its making; null: it is from before marks were kept, or a session. */
  readonly issued: AuditEventView | null
  /** The latest of what was done with it. */
  readonly events: readonly AuditEventView[]
}

export interface TokenFinding {
  /**
   * Which credential of the tenant's this is, also where it is long gone; that it was asked is on record.
   * @throws AppError `not_found`: none that is known
   */
  find(scope: TenantScope, token: Secret): Promise<FoundToken>
}

export interface TokenFindingDeps {
  readonly db: Db
  readonly audit: Audit
  readonly reader: AuditReader
  readonly tokenMarks: TokenMarks
  readonly signingKeys: Pick<SigningKeys, 'verifyLasting'>
}

type Found = Pick<FoundToken, 'kind' | 'credentialId' | 'owner' | 'issued'>

export function createTokenFinding(deps: TokenFindingDeps): TokenFinding {
  const { db, audit, reader, tokenMarks, signingKeys } = deps

  /** A JWT knows itself; whoever has it can read it, so its own id need not be hidden. */
  async function findJwt(scope: TenantScope, token: string): Promise<Found | null> {
    const claims = await signingKeys.verifyLasting(accessTokenTyp, token)
    const { tenant, jti, sub, credential } = claims ?? {}
    if (tenant !== scope.tenantId || typeof jti !== 'string') return null
    const row = await db.inTenant(scope, (tx) => findIssueOfToken(tx, 'tokenId', jti))
    return {
      kind: 'service_token',
      credentialId: String(credential),
      owner: { kind: 'service_account', id: String(sub) },
      issued: row && auditEventView(row)
    }
  }

  async function findBearer(scope: TenantScope, token: Secret): Promise<Found | null> {
    const mark = await tokenMarks.mark(scope, token)
    const row = await db.inTenant(scope, (tx) => findIssueOfToken(tx, 'tokenMark', mark))
    return row === null ? await findLiving(db, scope, token) : issuedBy(row)
  }

  return {
    async find(scope, token) {
      requireAuthority(scope, 'audit.find_token')
      const text = disclose(token)
      const isJwt = looksLikeJwt(text)
      const found = isJwt ? await findJwt(scope, text) : await findBearer(scope, token)
      const object = ['credential', found?.credentialId ?? 'unknown'] as const
      const isOurs = isJwt || bearerChecksumHolds(text)
      await audit.record(scope, [
        { action: 'audit.find_token', object, details: { kind: found?.kind ?? null, isOurs } }
      ])
      if (found === null) throw new AppError('not_found', { detail: 'No such token is known here' })
      const query = { limit: 50, cursor: null, credential: found.credentialId }
      return { ...found, events: (await reader.list(scope, query)).items }
    }
  }
}

function issuedBy(row: AuditEventRow): Found {
  const issued = auditEventView(row)
  const { id: credentialId, kind } = issued.object
  const { serviceAccountId } = issued.details
  if (kind === 'key') {
    const owner = { kind: 'service_account', id: String(serviceAccountId) } as const
    return { kind: 'service_key', credentialId, owner, issued }
  }
  if (kind === 'scim_token') {
    return { kind, credentialId, owner: { kind, id: credentialId }, issued }
  }
  const owner = { kind: 'user', id: issued.actor.id } as const
  return { kind: 'personal_token', credentialId, owner, issued }
}

/** What was made before marks were kept, and sessions, for as long as there are rows of them. */
async function findLiving(db: Db, scope: TenantScope, token: Secret): Promise<Found | null> {
  const hash = hashToken(token)
  const [[key], [personal], [scim], [session]] = await db.ask(
    scope,
    serviceKeyOf(hash),
    personalTokenOf(hash),
    scimTokenOf(hash),
    sessionOf(hash)
  )
  const issued = null
  if (key !== undefined) {
    const owner = { kind: 'service_account', id: key.serviceAccountId } as const
    return { kind: 'service_key', credentialId: key.id, owner, issued }
  }
  if (personal !== undefined) {
    const owner = { kind: 'user', id: personal.userId } as const
    return { kind: 'personal_token', credentialId: personal.id, owner, issued }
  }
  if (scim !== undefined) {
    const owner = { kind: 'scim_token', id: scim.id } as const
    return { kind: 'scim_token', credentialId: scim.id, owner, issued }
  }
  if (session === undefined) return null
  const owner = { kind: 'user', id: session.userId } as const
  return { kind: 'session', credentialId: session.id, owner, issued }
}
