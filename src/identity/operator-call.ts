import { AppError } from '../base/errors.ts'
import type { TenantId } from '../base/ids.ts'
import {
  type Actor,
  makeTenantScope,
  systemAuthority,
  type TenantScope
} from '../base/tenant-scope.ts'

/** Whoever runs the platform: an operator's request, or the command line, which is in no tenant. */
export type OperatorCall = Pick<TenantScope, 'actor' | 'authority' | 'requestId'> &
  Partial<Pick<TenantScope, 'source' | 'credentialId'>> & {
    readonly tenantId: TenantId | null
  }

/** Who acts where an operator's command does. */
export const commandLine = { kind: 'system', id: 'cli' } as const satisfies Actor

/** Whoever can run commands on the platform may do what an operator may. */
export const commandLineCall: OperatorCall = {
  actor: commandLine,
  authority: systemAuthority,
  requestId: null,
  tenantId: null
}

/** What the operator does in a tenant stands in that tenant's record, under their name. */
export function operatorScope(by: OperatorCall, tenantId: TenantId): TenantScope {
  return makeTenantScope(tenantId, by.actor, systemAuthority, by.requestId, by)
}

/** Nobody locks themselves out by a slip. @throws AppError `forbidden` */
export function refuseOwn(by: OperatorCall, id: TenantId): void {
  if (by.tenantId !== id) return
  const detail = 'This is the tenant that you are in: switch to another, or use the command line'
  throw new AppError('forbidden', { detail })
}
