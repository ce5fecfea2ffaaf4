import { type AppError, type ProblemCode, problemCatalogue } from '../base/errors.ts'
import type { FabricId } from '../base/ids.ts'
import type { Provider } from '../providers/provider.ts'
import { signInPathOf } from './sign-in-path.ts'
import type { TestAs, TestStep, TestStepResult } from './test-results.ts'

/** Who and what a failure is told of. */
export interface FailedTest {
  readonly as: TestAs
  /** Of a saved fabric. */
  readonly fabricId: FabricId | null
  readonly authMethod: string
  readonly provider: Provider
  readonly publicUrl: string
}

type Told = Omit<TestStepResult, 'step' | 'status' | 'durationMs' | 'note'>

/** In the words of whoever must act: what is wrong, whose move it is, and what to do. */
export function tellFailure(step: TestStep, error: AppError, test: FailedTest): Told {
  const code = codeOf(step, error, test)
  const { owner, title } = problemCatalogue[code]
  const isMoved = code !== error.code
  const words = wordsOf(step, code, test)
  const { fabricId: id, authMethod, publicUrl } = test
  const isSignIn = code === 'sign_in_needed' && id !== null
  return {
    code,
    detail: words.detail ?? (isMoved ? undefined : error.detail) ?? title,
    owner,
    action: words.action,
    ...(isSignIn && { actionUrl: `${publicUrl}${signInPathOf({ id, authMethod })}` }),
    ...(error.retryAt === undefined ? {} : { retryAt: error.retryAt })
  }
}

/** A service principal cannot sign in: its fresh token is refused where it has no place. */
function codeOf(step: TestStep, { code }: AppError, { as }: FailedTest): ProblemCode {
  if (code !== 'sign_in_needed' || as === 'user') return code
  return step === 'token' ? 'service_principal_refused' : 'principal_not_in_workspace'
}

interface Words {
  /** In place of the error's own. */
  readonly detail?: string
  readonly action: string
}

/** The same for every host, whatever keeps it from being reached. */
const unreachable: Words = {
  detail: 'Weft found no way to this host',
  action:
    'Check the spelling of the workspace URL. If it is right, see that its name and its port 443 can be reached from where Weft runs: DNS, firewall, private link'
}

function wordsOf(step: TestStep, code: ProblemCode, test: FailedTest): Words {
  const { as, provider } = test
  const name = provider.displayName
  const who = as === 'user' ? 'you' : 'the service principal'
  switch (code) {
    case 'invalid_request':
      return { action: "Paste the workspace's address as the browser shows it" }
    case 'host_not_allowed':
      return {
        action: `Correct the workspace URL. If it is right, allow its host for the app connection; an address outside ${name}'s own domains is for the operator of Weft to name`
      }
    case 'dns_failed':
      return unreachable
    case 'workspace_unreachable':
      return step === 'tls'
        ? unreachable
        : {
            action:
              "Check that this is a workspace's own address, and neither an account console nor a host that several workspaces share"
          }
    case 'tls_failed':
      return {
        detail: 'The host has no certificate that holds for it',
        action:
          'Find what answers under this name. A proxy that opens TLS on the way must show a certificate that Weft trusts'
      }
    case 'oauth_not_enabled':
      return {
        action: `Check that this is the address of a workspace. If it is, an account admin of ${name} enables OAuth for it`
      }
    case 'discovery_failed':
      return {
        action: `Test again in a few minutes. If it stays so, tell ${name}'s support what the host answers at its OAuth metadata`
      }
    case 'sign_in_needed':
      return { action: signInAction(test) }
    case 'app_connection_missing':
      return { action: `Register Weft at ${name} and complete the app connection` }
    case 'app_connection_refused':
    case 'redirect_uri_mismatch':
      return { action: 'Verify the app connection, which shows what to mend and where' }
    case 'scope_missing':
      return {
        action:
          as === 'user'
            ? `Allow the scope for Weft's OAuth application at ${name} and in the app connection, then sign in anew`
            : `Create a secret for the service principal at ${name} without a list of scopes, or with all of those that are needed, and set it in the fabric`
      }
    case 'service_principal_missing':
      return { action: "Set a service principal's client ID and secret in the fabric" }
    case 'service_principal_refused':
      return {
        action: `Compare the client ID with the service principal's application ID at ${name}, create a new secret there, and set it in the fabric`
      }
    case 'principal_not_in_workspace':
      return { action: `Have an admin of the workspace add ${who} to it` }
    case 'ip_not_allowed':
      return {
        action:
          "Add the addresses that Weft calls from to the workspace's IP access list, or open its private link to them"
      }
    case 'compute_not_found':
      return {
        action: `Name one in the fabric that is there, or have its owner let ${who} see it`
      }
    case 'compute_forbidden':
      return {
        action: `Have its owner grant ${who} the permission: "Can use" on a warehouse, "Can attach to" on a cluster, USE CATALOG and USE SCHEMA on what they hold`
      }
    case 'compute_stopped':
      return { action: 'Start it, and test again: a test never does' }
    case 'upstream_timeout':
    case 'upstream_unavailable':
      return {
        action: `Test again in a few minutes. If it stays so, look at ${name}'s status page and at what else runs there`
      }
    default:
      return { action: 'Test again. If it stays so, tell the operator of Weft the request ID' }
  }
}

function signInAction({ fabricId, authMethod }: FailedTest): string {
  const give =
    authMethod === 'pat'
      ? 'give your personal access token of the workspace'
      : 'sign in to the workspace'
  const action = fabricId === null ? `save the fabric, ${give}` : give
  return `${action.charAt(0).toUpperCase()}${action.slice(1)}, and test again`
}
