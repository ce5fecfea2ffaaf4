import { type Clock, plusMs } from '../base/clock.ts'
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

interface WorkspaceDeps {
  readonly outbound: Outbound
  readonly clock: Clock
}

const callDeadlineMs = 20_000

/**
 * Makes one described call of the workspace's API and reads its answer.
 * @throws AppError with the code that the provider's description gives the answer, or outbound's
 */
export async function callWorkspace<T>(
  { outbound, clock }: WorkspaceDeps,
  { workspaceOrigin, bearer }: WorkspaceAccess,
  call: ProviderCall<T>,
  signal?: AbortSignal,
  deadlineMs = callDeadlineMs
): Promise<T> {
  const { status, headers, body } = await outbound.request({
    url: workspaceOrigin + call.path,
    rule: { kind: 'origin', origin: workspaceOrigin },
    method: call.method,
    headers: call.headers,
    ...(call.body === undefined ? {} : { body: call.body }),
    bearer,
    deadlineMs,
    ...(call.maxBytes !== undefined && { maxBytes: call.maxBytes }),
    signal
  })
  const read = call.interpret(status, headers, body.toString('utf8'))
  if (read.ok) return read.value
  const { detail, retryAfterSeconds } = read
  throw new AppError(read.code, {
    ...(detail !== undefined && { detail }),
    ...(retryAfterSeconds !== undefined && {
      retryAt: plusMs(clock.now(), retryAfterSeconds * 1_000)
    })
  })
}

/** Who the token stands for at the workspace. */
export function askIdentity(
  deps: WorkspaceDeps,
  access: WorkspaceAccess,
  signal?: AbortSignal
): Promise<ProviderIdentity> {
  return callWorkspace(deps, access, access.provider.identityCall, signal)
}
