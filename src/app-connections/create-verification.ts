import { AppError, invalidRequest } from '../base/errors.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { redirectUriOf } from '../oauth/authorization-code.ts'
import { providers } from '../providers/registry.ts'
import {
  type AppConnectionRow,
  findAppConnection,
  keepVerification
} from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { listFabricsOfAppConnection } from '../store/fabrics.ts'
import { findLatestScope } from '../store/grants.ts'
import { openClientSecrets, refuseHost } from '../vault/credentials.ts'
import type { KeptVerification } from './app-connection-view.ts'
import type { AppConnections, Verification, VerificationStep } from './app-connections.ts'
import { runVerification } from './verification.ts'
import type { VerificationDeps, VerificationPlan } from './verification-plan.ts'

/** Steps that tell of the workspace; a failure of theirs says nothing about the registration. */
const aboutHost: readonly VerificationStep[] = ['host', 'dns', 'tls', 'discovery']

export function createVerification(deps: VerificationDeps): Pick<AppConnections, 'verify'> {
  const { db, audit, clock, publicUrl } = deps

  async function planOf(
    scope: TenantScope,
    row: AppConnectionRow,
    workspaceOrigin: string
  ): Promise<VerificationPlan> {
    const granted = await db.inTenant(scope, (tx) =>
      findLatestScope(tx, { appConnectionId: row.id, workspaceOrigin, since: row.updatedAt })
    )
    return {
      provider: providers.databricks,
      workspaceOrigin,
      clientId: row.clientId,
      redirectUri: redirectUriOf(publicUrl, row.id),
      scopes: row.scopes,
      candidates: await openClientSecrets(deps, scope, row),
      grantedScopes: granted === null ? null : granted.split(' '),
      isDisabled: row.isDisabled,
      checkHost: () => refuseHost(row, workspaceOrigin)
    }
  }

  return {
    async verify(scope, id, { workspaceUrl }, onStep, signal) {
      const { row, workspaceOrigin } = await db.inTenant(scope, async (tx) => {
        const found = await findAppConnection(tx, id)
        if (found === null) throw new AppError('not_found')
        return { row: found, workspaceOrigin: await workspaceOf(tx, found, workspaceUrl) }
      })
      const plan = await planOf(scope, row, workspaceOrigin)
      const steps = await runVerification(deps, plan, onStep, signal)
      const failed = steps.find(({ status }) => status === 'failed')
      const checkedAt = clock.now()
      const isOk = failed === undefined
      const workspaceHost = new URL(workspaceOrigin).host
      const kept: KeptVerification = { ok: isOk, workspaceHost, steps }
      const stands = failed !== undefined && aboutHost.includes(failed.step) ? row.verifiedAt : null
      await db.inTenant(scope, async (tx) => {
        await keepVerification(tx, id, row.version, {
          verification: kept,
          verificationCheckedAt: checkedAt,
          verifiedAt: isOk ? checkedAt : stands
        })
        await audit.append(tx, {
          action: 'app_connection.verify',
          object: ['app_connection', id],
          outcome: isOk ? 'succeeded' : 'failed',
          ...(failed?.code === undefined ? {} : { code: failed.code }),
          details: { workspaceHost, step: failed?.step ?? null }
        })
      })
      return { ...kept, checkedAt } satisfies Verification
    }
  }
}

/** The origin to ask: as told, else of the newest fabric that signs its people in with this client. */
async function workspaceOf(
  tx: Tx,
  row: AppConnectionRow,
  workspaceUrl: string | undefined
): Promise<string> {
  if (workspaceUrl !== undefined) {
    return providers.databricks.parseWorkspaceUrl(workspaceUrl).origin
  }
  const [fabric] = await listFabricsOfAppConnection(tx, row, 1)
  if (fabric !== undefined) return fabric.workspaceOrigin
  throw invalidRequest('/workspaceUrl', 'no fabric uses this app connection yet: name a workspace')
}
