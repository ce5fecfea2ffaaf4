import { type Question, rowsOf } from './asking.ts'
import type { ClientSecretOwner } from './client-secrets.ts'
import type { Tx } from './db.ts'
import { type Grant, type GrantToken, Prisma } from './generated/client.ts'

export type GrantRow = Grant
export type GrantTokenRow = GrantToken

/** What a user's grant is keyed by. */
export interface UserGrantKey {
  readonly userId: string
  readonly workspaceOrigin: string
  /** Null: a personal access token, which goes by no app connection. */
  readonly appConnectionId: string | null
}

export type GrantStatus = Pick<GrantRow, 'state' | 'cause' | 'since' | 'nextTryAt' | 'failures'>

export function findGrant(tx: Tx, id: string): Promise<GrantRow | null> {
  return tx.rows.grant.findFirst({ where: { tenantId: tx.scope.tenantId, id } })
}

/**
 * The grant, locked until the transaction ends. Whoever writes a grant or its token locks the grant first:
 * one order for all, or two of them could wait for each other.
 */
export async function lockGrant(tx: Tx, id: string): Promise<GrantRow | null> {
  const found = await tx.rows.$queryRaw<Record<string, unknown>[]>`
    SELECT * FROM grants WHERE tenant_id = ${tx.scope.tenantId} AND id = ${id} FOR UPDATE`
  return rowsOf<GrantRow>(found)[0] ?? null
}

/** The grant of this id. */
export function grantOf(id: string): Question<GrantRow> {
  return { sql: Prisma.sql`SELECT * FROM grants WHERE tenant_id = weft_tenant() AND id = ${id}` }
}

/** Its token. */
export function grantTokenOf(grantId: string): Question<GrantTokenRow> {
  return {
    sql: Prisma.sql`SELECT * FROM grant_tokens WHERE tenant_id = weft_tenant() AND grant_id = ${grantId}`
  }
}

export function findUserGrant(tx: Tx, key: UserGrantKey): Promise<GrantRow | null> {
  return tx.rows.grant.findFirst({ where: { tenantId: tx.scope.tenantId, ...key } })
}

export function findServicePrincipalGrant(tx: Tx, fabricId: string): Promise<GrantRow | null> {
  return tx.rows.grant.findFirst({ where: { tenantId: tx.scope.tenantId, fabricId } })
}

/** The scope that the newest sign-in since `since` was given; null: there was none, or it was not told. */
export async function findLatestScope(
  tx: Tx,
  wanted: { appConnectionId: string; workspaceOrigin: string; since: Date }
): Promise<string | null> {
  const { appConnectionId, workspaceOrigin, since } = wanted
  const row = await tx.rows.grant.findFirst({
    where: {
      tenantId: tx.scope.tenantId,
      appConnectionId,
      workspaceOrigin,
      signedInAt: { gte: since }
    },
    orderBy: { signedInAt: 'desc' },
    include: { token: { select: { scope: true } } }
  })
  return row?.token?.scope || null
}

/** How many people's sign-ins go by an app connection. */
export async function countSignInsOf(
  tx: Tx,
  appConnectionId: string
): Promise<{ signIns: number; people: number }> {
  const [row] = await tx.rows.$queryRaw<{ signIns: number; people: number }[]>`
    SELECT count(*)::int AS "signIns", count(DISTINCT user_id)::int AS people FROM grants
     WHERE tenant_id = ${tx.scope.tenantId} AND app_connection_id = ${appConnectionId}`
  return row ?? { signIns: 0, people: 0 }
}

/** What a person holds in this tenant. */
export async function listGrantIdsOfUser(tx: Tx, userId: string): Promise<string[]> {
  const rows = await tx.rows.grant.findMany({
    where: { tenantId: tx.scope.tenantId, userId },
    select: { id: true }
  })
  return rows.map(({ id }) => id)
}

/** The grants behind a page of fabrics: the user's own and the fabrics' service principals'. */
export function listGrantsFor(
  tx: Tx,
  wanted: { userId: string | null; fabricIds: readonly string[] }
): Promise<GrantRow[]> {
  return tx.rows.grant.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      OR: [
        { fabricId: { in: [...wanted.fabricIds] } },
        ...(wanted.userId === null ? [] : [{ userId: wanted.userId }])
      ]
    }
  })
}

/** The users' grants that a provider can be told to end: all of them, or those of one app connection. */
function revocable(tx: Tx, appConnectionId: string | undefined) {
  return {
    tenantId: tx.scope.tenantId,
    kind: 'user',
    ...(appConnectionId === undefined ? {} : { appConnectionId }),
    token: { refreshTokenSealed: { not: null } }
  }
}

export function countRevocableGrants(tx: Tx, appConnectionId?: string): Promise<number> {
  return tx.rows.grant.count({ where: revocable(tx, appConnectionId) })
}

/** By id, from after `after`. */
export async function listRevocableGrants(
  tx: Tx,
  page: { limit: number; after: string; appConnectionId: string | undefined }
): Promise<{ grant: GrantRow; refreshTokenSealed: string }[]> {
  const rows = await tx.rows.grant.findMany({
    where: { ...revocable(tx, page.appConnectionId), id: { gt: page.after } },
    include: { token: { select: { refreshTokenSealed: true } } },
    orderBy: { id: 'asc' },
    take: page.limit
  })
  return rows.flatMap(({ token, ...grant }) => {
    const refreshTokenSealed = token?.refreshTokenSealed ?? null
    return refreshTokenSealed === null ? [] : [{ grant, refreshTokenSealed }]
  })
}

export async function insertGrant(
  tx: Tx,
  row: Omit<
    GrantRow,
    'tenantId' | 'failures' | 'nextTryAt' | 'cause' | 'signedInAt' | 'announcedAt'
  > & {
    readonly signedInAt?: Date
  }
): Promise<void> {
  await tx.rows.grant.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export async function updateGrant(
  tx: Tx,
  id: string,
  patch: Partial<
    GrantStatus &
      Pick<GrantRow, 'workspaceUserName' | 'workspaceUserId' | 'signedInAt' | 'announcedAt'>
  >
): Promise<void> {
  await tx.rows.grant.updateMany({ where: { tenantId: tx.scope.tenantId, id }, data: patch })
}

/** Deletes the grant with its tokens and journal. */
export async function deleteGrant(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.grant.deleteMany({ where: { tenantId: tx.scope.tenantId, id } })
  return count === 1
}

export function findGrantToken(tx: Tx, grantId: string): Promise<GrantTokenRow | null> {
  return tx.rows.grantToken.findFirst({ where: { tenantId: tx.scope.tenantId, grantId } })
}

export async function upsertGrantToken(
  tx: Tx,
  grantId: string,
  tokens: GrantTokens
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.grantToken.upsert({
    where: { tenantId_grantId: { tenantId, grantId } },
    create: { tenantId, grantId, generation: 1, ...tokens },
    update: { ...tokens, generation: { increment: 1 }, claimOwner: null, claimExpiresAt: null }
  })
}

export type GrantTokens = Pick<
  GrantTokenRow,
  | 'refreshTokenSealed'
  | 'refreshIssuedAt'
  | 'accessTokenSealed'
  | 'accessExpiresAt'
  | 'accessIssuedAt'
  | 'scope'
>

/**
 * Claims the right to spend `generation`: at most one owner holds an unexpired claim. The lease runs on the
 * database's clock, so that replicas with skewed clocks agree.
 * @returns what is to be spent; null: the row is at another generation, or somebody else holds it
 */
export async function claimGrantToken(
  tx: Tx,
  claim: { grantId: string; generation: number; owner: string; leaseMs: number }
): Promise<GrantTokenRow | null> {
  const claimed = await tx.rows.$queryRaw<Record<string, unknown>[]>`
    UPDATE grant_tokens
       SET claim_owner = ${claim.owner}, claim_expires_at = now() + ${claim.leaseMs} * interval '1 millisecond'
     WHERE tenant_id = ${tx.scope.tenantId} AND grant_id = ${claim.grantId}
       AND generation = ${claim.generation}
       AND (claim_owner IS NULL OR claim_expires_at < now())
    RETURNING *`
  return rowsOf<GrantTokenRow>(claimed)[0] ?? null
}

/** One row while somebody holds an unexpired claim on this generation. */
export function claimOn(grantId: string, generation: number): Question<unknown> {
  return {
    sql: Prisma.sql`SELECT 1 AS ok FROM grant_tokens
      WHERE tenant_id = weft_tenant() AND grant_id = ${grantId}
        AND generation = ${generation} AND claim_owner IS NOT NULL AND claim_expires_at > now()`
  }
}

/** Lets go of a claim whose call had no effect at the provider. */
export async function releaseGrantToken(
  tx: Tx,
  claim: { grantId: string; generation: number; owner: string }
): Promise<boolean> {
  const { count } = await tx.rows.grantToken.updateMany({
    where: {
      tenantId: tx.scope.tenantId,
      grantId: claim.grantId,
      generation: claim.generation,
      claimOwner: claim.owner
    },
    data: { claimOwner: null, claimExpiresAt: null }
  })
  return count === 1
}

/**
 * An app connection or a service principal was mended: the next try of its grants need not wait.
 * @returns how many had to
 */
export async function clearSetbacks(tx: Tx, owner: ClientSecretOwner): Promise<number> {
  const { count } = await tx.rows.grant.updateMany({
    where: { tenantId: tx.scope.tenantId, ...owner, state: 'misconfigured' },
    data: { nextTryAt: null, failures: 0 }
  })
  return count
}
