import type { FabricId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { GrantStatus } from '../vault/grant-status.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import { appConnectionOf } from './fabric-view.ts'
import type { ConnectionView, Fabrics } from './fabrics.ts'

type Connections = Pick<Fabrics, 'connection' | 'signOut'>

/** A person's own connection to the workspace of a fabric: seen, and ended. */
export function createConnections(deps: FabricDeps): Connections {
  const { db, vault, clock } = deps

  async function ownGrant(
    scope: TenantScope,
    id: FabricId,
    operation: 'connection.get' | 'connection.delete'
  ): Promise<GrantStatus | null> {
    const key = await db.inTenant(scope, async (tx) => {
      const row = await mustFindFabric(tx, id, operation)
      const connection = await appConnectionOf(tx, row)
      if (connection === null) return null
      const { workspaceOrigin } = row
      const userId: string = scope.actor.id
      return { userId, workspaceOrigin, appConnectionId: connection.id }
    })
    return key === null ? null : await vault.userGrant(scope, key)
  }

  return {
    connection: async (scope, id) =>
      viewConnection(await ownGrant(scope, id, 'connection.get'), clock.now()),

    async signOut(scope, id) {
      const grant = await ownGrant(scope, id, 'connection.delete')
      if (grant === null) return
      await vault.forget(scope, grant.id, { action: 'connection.delete', fabricId: id })
    }
  }
}

/** Early enough to sign in at a quiet moment. */
const signInWarningMs = 24 * 60 * 60_000

function viewConnection(grant: GrantStatus | null, now: Date): ConnectionView {
  return {
    state: grant?.state ?? 'needs_sign_in',
    since: grant?.since ?? null,
    cause: grant === null ? 'never_signed_in' : grant.cause,
    workspaceUser: grant?.workspaceUser ?? null,
    accessTokenExpiresAt: grant?.accessExpiresAt ?? null,
    predictedSignInAt: grant?.predictedSignInAt ?? null,
    nextTryAt: grant?.nextTryAt ?? null,
    warnings: isEndingSoon(grant, now) ? [signInExpiring] : []
  }
}

const signInExpiring = {
  code: 'sign_in_expiring',
  message: 'Your sign-in at the workspace ends within a day: sign in again when it suits you',
  owner: 'caller'
} as const

function isEndingSoon(grant: GrantStatus | null, now: Date): boolean {
  const endsAt = grant?.predictedSignInAt ?? null
  return endsAt !== null && endsAt.getTime() - now.getTime() < signInWarningMs
}
