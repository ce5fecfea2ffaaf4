import { problemCatalogue } from '../base/errors.ts'
import type { FabricId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { type AppConnectionRow, findAppConnection } from '../store/app-connections.ts'
import type { ClientSecretRow } from '../store/client-secrets.ts'
import type { Db, Tx } from '../store/db.ts'
import { findFabric } from '../store/fabrics.ts'
import { isNewestRefused } from '../vault/client-secrets.ts'
import type { TestAs, TestNote } from './test-results.ts'

interface Tested {
  readonly as: TestAs
  readonly fabricId: FabricId | null
  readonly connection: AppConnectionRow | null
}

/** A warning where the newest client secret is refused: all is well until the one before it ends. */
export async function noteOfNewestSecret(
  db: Db,
  scope: TenantScope,
  tested: Tested
): Promise<TestNote | null> {
  const secrets = await db.inTenant(scope, (tx) => secretsOf(tx, tested))
  if (!isNewestRefused(secrets)) return null
  const isUser = tested.as === 'user'
  const code = isUser ? 'app_connection_refused' : 'service_principal_refused'
  const action = isUser
    ? 'Verify the app connection, and replace the secret if it says so'
    : 'A secret that was just generated may take a while to work. If it stays so, generate another and add it to the fabric'
  return {
    code,
    detail: 'The newest client secret was refused; the one before it still works',
    owner: problemCatalogue[code].owner,
    action
  }
}

/** As they are now, after the token was asked for. */
async function secretsOf(
  tx: Tx,
  { as, fabricId, connection }: Tested
): Promise<readonly ClientSecretRow[]> {
  const client =
    as === 'user'
      ? connection && (await findAppConnection(tx, connection.id))
      : fabricId && (await findFabric(tx, fabricId))?.servicePrincipal
  return client?.clientSecrets ?? []
}
