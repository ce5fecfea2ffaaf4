import type { AppError, ProblemCode } from '../base/errors.ts'
import type { VerificationAction } from './app-connections.ts'
import type { Finding, VerificationPlan } from './verification-plan.ts'

interface Told {
  readonly code: ProblemCode
  /** Default: the code's own title. */
  readonly detail?: string | undefined
  readonly action?: VerificationAction | undefined
}

/** In the words of whoever must act: what is wrong, and where to click. */
export function tellFinding(finding: Finding, plan: VerificationPlan): Told {
  const at = consoleOf(plan)
  const patience = `If it was changed just now: ${plan.provider.displayName} may take up to ${plan.provider.registration.propagationMinutes} minutes to apply a change`
  switch (finding.kind) {
    case 'disabled':
      return {
        code: 'app_connection_missing',
        detail: 'The app connection is disabled',
        action: { text: 'Enable it in Weft' }
      }
    case 'no_client_id':
    case 'no_client_secret': {
      const member = finding.kind === 'no_client_id' ? 'client ID' : 'client secret'
      return {
        code: 'app_connection_missing',
        detail: `The ${member} is not set yet`,
        action: at(`Register Weft, then paste the ${member} into Weft`, plan.redirectUri)
      }
    }
    case 'unknown_client':
      return {
        code: 'app_connection_refused',
        detail: `The workspace's account knows no OAuth application with this client ID. ${patience}`,
        action: at('Copy the client ID of the connection once more', undefined)
      }
    case 'redirect_uri':
      return {
        code: 'redirect_uri_mismatch',
        detail: `The redirect URL of this app connection is not registered, character by character. ${patience}`,
        action: at('Edit the connection and add exactly this redirect URL', plan.redirectUri)
      }
    case 'scopes':
      return {
        code: 'scope_missing',
        detail: `The application may not ask for ${finding.missing.join(', ')}. ${patience}`,
        action: at('Edit the connection and allow these scopes', finding.missing.join(' '))
      }
    case 'offline_access':
      return {
        code: 'scope_missing',
        detail: `Without ${finding.missing.join(', ')} people would have to sign in every hour. ${patience}`,
        action: at('Edit the connection and allow this scope', finding.missing.join(' '))
      }
    case 'client_secret':
      return {
        code: 'app_connection_refused',
        detail: `The client ID is known, its secret is wrong. ${patience}`,
        action: at('Generate a client secret there and add it in Weft', undefined)
      }
    case 'new_secret':
      return {
        code: 'app_connection_refused',
        detail: `The new secret is wrong; the one before it still works, so nobody is cut off. ${patience}`,
        action: at('Generate a client secret there and add it in Weft', undefined)
      }
    case 'fault':
      return ofFault(finding.fault, plan)
  }
}

function ofFault(fault: AppError, plan: VerificationPlan): Told {
  const { code } = fault
  const host = new URL(plan.workspaceOrigin).host
  switch (code) {
    case 'host_not_allowed':
      return {
        code,
        detail:
          fault.detail ?? `${host} is no workspace host of ${plan.provider.displayName}'s clouds`,
        action: { text: "Check the workspace URL and the app connection's allowed hosts" }
      }
    case 'oauth_not_enabled':
      return {
        code,
        detail: `${host} shows a web page, or nothing, where a workspace with OAuth has its metadata`,
        action: { text: 'Check that this is the URL of a workspace', url: plan.workspaceOrigin }
      }
    case 'dns_failed':
      return { code, detail: `${host} has no address`, action: { text: 'Check the workspace URL' } }
    case 'tls_failed':
      return { code, detail: `${host} has no certificate that holds for it`, action: checkNetwork }
    case 'workspace_unreachable': {
      const isRefused = fault.note === 'ECONNREFUSED'
      const verb = isRefused ? 'refuses the connection' : 'could not be connected to'
      return { code, detail: `${host} ${verb}`, action: checkNetwork }
    }
    case 'upstream_timeout':
      return { code, detail: `${host} did not answer in time`, action: checkNetwork }
    default:
      return { code, detail: fault.detail }
  }
}

const checkNetwork: VerificationAction = {
  text: 'Check the way from Weft to the workspace: private link, firewall, proxy'
}

/** Makes an action that is done in the provider's account console, as far as the host tells which one. */
function consoleOf({ provider, workspaceOrigin, redirectUri, scopes }: VerificationPlan) {
  const { registration } = provider
  const cloud = registration.cloudOf(workspaceOrigin)
  const guides = registration.guides({ name: 'Weft', redirectUri, scopes })
  const guide = guides.find((one) => one.cloud === cloud)
  const path = (guide ?? guides[0])?.consolePath.slice(0, -1) ?? []
  return (text: string, value: string | undefined): VerificationAction => ({
    text: `${provider.displayName} account console, ${path.join(' › ')}: ${text}`,
    ...(guide === undefined ? {} : { url: guide.consoleUrl }),
    ...(value === undefined ? {} : { value })
  })
}
