import { isObject } from '../../simulation/exchange.ts'
import type { Registry } from '../registry.ts'
import { type Answer, type Call, failure, invalidParameter } from './answer.ts'

/** The userName that a job or a submitted run acts as. */
export function runAsOf(
  { run_as: runAs }: Readonly<Record<string, unknown>>,
  creator: string
): string {
  if (!isObject(runAs)) return creator
  return String(runAs.service_principal_name ?? runAs.user_name ?? creator)
}

/** Why the caller may not have it run as that; undefined where it may. */
export function refusalOfRunAs(
  call: Call,
  { run_as: runAs }: Readonly<Record<string, unknown>>,
  registry: Registry
): Answer | undefined {
  if (!isObject(runAs)) return undefined
  const { userName } = call.caller
  if (runAs.service_principal_name !== undefined) {
    const name = String(runAs.service_principal_name)
    const principal = registry.servicePrincipal(name)
    if (!principal) {
      const message = `'${name}' cannot be set as run_as because the service principal does not exist.`
      return invalidParameter(call, message)
    }
    if (name === userName || principal.users?.includes(userName)) return undefined
    const message = `User ${userName} does not have the 'servicePrincipal/user' role on service principal ${name}.`
    return failure(call, 403, 'PERMISSION_DENIED', message)
  }
  if (runAs.user_name === undefined || runAs.user_name === userName) return undefined
  const message = `User ${userName} may not set run_as to user ${String(runAs.user_name)}.`
  return failure(call, 403, 'PERMISSION_DENIED', message)
}
