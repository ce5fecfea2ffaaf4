import { AppError, invalidRequest } from '../base/errors.ts'
import type { FabricId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { looksLikeMask } from '../crypto/bearer.ts'
import { providers } from '../providers/registry.ts'
import type { GrantStatus } from '../vault/grant-status.ts'
import { personalTokenSet } from '../vault/personal-access-tokens.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import type { ConnectionView, Fabrics } from './fabrics.ts'
import { grantKeyOf } from './own-grant.ts'
import { askIdentity } from './workspace-calls.ts'

type Connections = Pick<Fabrics, 'connection' | 'putPersonalToken' | 'signOut'>

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
      return await grantKeyOf(tx, row, scope.actor.id)
    })
    return key === null ? null : await vault.userGrant(scope, key)
  }

  const connection: Connections['connection'] = async (scope, id) =>
    viewConnection(await ownGrant(scope, id, 'connection.get'), clock.now())

  return {
    connection,

    async putPersonalToken(scope, id, { token, expiresAt }) {
      const row = await db.inTenant(scope, (tx) => mustFindFabric(tx, id, 'connection.put_token'))
      if (row.authMethod !== 'pat') {
        throw new AppError('conflict', { detail: 'People sign in to this fabric by OAuth' })
      }
      const now = clock.now()
      if (looksLikeMask(token)) throw invalidRequest('/token', 'the mask is not a token')
      if (expiresAt !== null && expiresAt <= now) {
        throw invalidRequest('/expiresAt', 'must be in the future')
      }
      const { workspaceOrigin } = row
      const asked = { provider: providers.databricks, workspaceOrigin, bearer: token }
      const workspaceUser = await askIdentity(deps, asked).catch((error: unknown) => {
        const isRefused = error instanceof AppError && error.code === 'sign_in_needed'
        throw isRefused ? invalidRequest('/token', 'the workspace refuses this token') : error
      })
      await vault.keepSignIn(
        scope,
        { userId: scope.actor.id, workspaceOrigin, appConnectionId: null },
        {
          tokens: personalTokenSet(token, expiresAt, now),
          workspaceUser,
          maySwitchUser: false,
          event: {
            action: 'connection.put_token',
            fabricId: id,
            details: { workspaceUser: workspaceUser.userName }
          }
        }
      )
      return await connection(scope, id)
    },

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
