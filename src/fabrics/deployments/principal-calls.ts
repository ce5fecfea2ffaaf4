import { AppError } from '../../base/errors.ts'
import type { FabricId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { ProviderCall } from '../../providers/provider.ts'
import { providers } from '../../providers/registry.ts'
import { leastLifeMs } from '../../vault/token-state.ts'
import type { FabricDeps } from '../fabric-deps.ts'
import { callWorkspace } from '../workspace-calls.ts'

/** Whose service principal, and where. */
export interface PrincipalPlace {
  readonly fabricId: FabricId
  readonly workspaceOrigin: string
}

/**
 * Makes one call as the fabric's service principal, and as nobody else; a token that has died is replaced once.
 * @throws AppError `service_principal_missing`, `service_principal_refused`, and as `callWorkspace`
 */
export type AskAsPrincipal = <T>(
  scope: TenantScope,
  place: PrincipalPlace,
  call: ProviderCall<T>,
  signal?: AbortSignal
) => Promise<T>

export function createPrincipalCalls(
  deps: Pick<FabricDeps, 'vault' | 'outbound' | 'clock'>
): AskAsPrincipal {
  const { vault } = deps
  const provider = providers.databricks
  return async (scope, { fabricId, workspaceOrigin }, call, signal) => {
    const grantId = await vault.openServicePrincipalGrant(scope, fabricId, workspaceOrigin)
    const first = await vault.accessToken(scope, grantId, leastLifeMs)
    const ask = (bearer: typeof first.token) =>
      callWorkspace(deps, { provider, workspaceOrigin, bearer }, call, signal)
    try {
      return await ask(first.token)
    } catch (error) {
      if (!isDeadToken(error)) throw error
    }
    const rejectedGeneration = first.generation
    const { token } = await vault.accessToken(scope, grantId, leastLifeMs, { rejectedGeneration })
    return await ask(token).catch((error: unknown) => {
      throw isDeadToken(error) ? new AppError('service_principal_refused') : error
    })
  }
}

function isDeadToken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'sign_in_needed'
}
