import { asId, type GrantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { type AppConnectionRow, findAppConnection } from '../store/app-connections.ts'
import type { Db, Tx } from '../store/db.ts'
import { findGrantToken, type GrantRow, type GrantTokenRow } from '../store/grants.ts'
import { providerOf } from './credentials.ts'
import { neverExpires } from './personal-access-tokens.ts'
import { type GrantState, predictSignIn, type SignInLife } from './token-state.ts'

/** Who a token stands for at the workspace. */
export interface WorkspaceUser {
  readonly userName: string
  readonly id: string
}

/** A grant as its owner may see it. */
export interface GrantStatus {
  readonly id: GrantId
  readonly state: GrantState
  readonly cause: string | null
  readonly since: Date
  readonly nextTryAt: Date | null
  readonly accessExpiresAt: Date | null
  /** When its person will have to sign in again at the latest; null: not known, or not a person's. */
  readonly predictedSignInAt: Date | null
  readonly workspaceUser: WorkspaceUser | null
}

export async function readStatus(
  db: Db,
  scope: TenantScope,
  find: (tx: Tx) => Promise<GrantRow | null>
): Promise<GrantStatus | null> {
  return await db.inTenant(scope, async (tx) => {
    const grant = await find(tx)
    if (grant === null) return null
    const token = await findGrantToken(tx, grant.id)
    const { appConnectionId } = grant
    const connection =
      appConnectionId === null ? null : await findAppConnection(tx, appConnectionId)
    return toStatus(grant, token, connection)
  })
}

function toStatus(
  grant: GrantRow,
  token: GrantTokenRow | null,
  connection: AppConnectionRow | null
): GrantStatus {
  const { workspaceUserName: userName, workspaceUserId: id } = grant
  const accessExpiresAt = token?.accessTokenSealed ? knownEnd(token.accessExpiresAt) : null
  return {
    id: asId('grant', grant.id),
    state: grant.state as GrantState, // the table's check constraint holds it to these
    cause: grant.cause,
    since: grant.since,
    nextTryAt: grant.nextTryAt,
    accessExpiresAt,
    predictedSignInAt:
      connection === null ? endOf(grant, accessExpiresAt) : predictionOf(grant, token, connection),
    workspaceUser: userName === null || id === null ? null : { userName, id }
  }
}

/** A personal access token is replaced when it ends. */
function endOf({ kind }: GrantRow, accessExpiresAt: Date | null): Date | null {
  return kind === 'pat' ? accessExpiresAt : null
}

function knownEnd(expiresAt: Date | null): Date | null {
  return expiresAt?.getTime() === neverExpires.getTime() ? null : expiresAt
}

function predictionOf(
  grant: GrantRow,
  token: GrantTokenRow | null,
  connection: AppConnectionRow
): Date | null {
  return predictSignIn(signInLifeOf(grant, token, connection))
}

/** How long a sign-in by this app connection can last; without one, there is none to last. */
export function signInLifeOf(
  { signedInAt }: GrantRow,
  token: GrantTokenRow | null,
  connection: AppConnectionRow | null
): SignInLife {
  const oauth = connection === null ? null : providerOf(connection.provider).oauth
  return {
    signedInAt,
    refreshIssuedAt: token?.refreshIssuedAt ?? null,
    refreshTokenTtlMinutes:
      connection?.refreshTokenTtlMinutes ?? oauth?.refreshTokenTtlMinutes ?? 0,
    absoluteSessionMinutes: connection?.absoluteSessionMinutes ?? null
  }
}
