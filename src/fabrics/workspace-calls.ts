import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Provider, ProviderCall, ProviderIdentity } from '../providers/provider.ts'

/** Where and with what a call of the workspace's API is made. */
export interface WorkspaceAccess {
  readonly provider: Provider
  readonly workspaceOrigin: string
  readonly bearer: Secret
}

const callDeadlineMs = 20_000

/**
 * Makes one described call of the workspace's API and reads its answer.
 * @throws AppError with the code that the provider's description gives the answer, or outbound's
 */
export async function callWorkspace<T>(
  { outbound }: { outbound: Outbound },
  { workspaceOrigin, bearer }: WorkspaceAccess,
  call: ProviderCall<T>,
  signal?: AbortSignal
): Promise<T> {
  const { status, headers, body } = await outbound.request({
    url: workspaceOrigin + call.path,
    rule: { kind: 'origin', origin: workspaceOrigin },
    method: call.method,
    headers: call.headers,
    bearer,
    deadlineMs: callDeadlineMs,
    signal
  })
  const read = call.interpret(status, headers, body.toString('utf8'))
  if (read.ok) return read.value
  throw new AppError(read.code, read.detail === undefined ? {} : { detail: read.detail })
}

/** Who the token stands for at the workspace. */
export function askIdentity(
  deps: { outbound: Outbound },
  access: WorkspaceAccess,
  signal?: AbortSignal
): Promise<ProviderIdentity> {
  return callWorkspace(deps, access, access.provider.identityCall, signal)
}
