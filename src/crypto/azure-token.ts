import { Secret } from '../base/secret.ts'
import type { AzureOptions } from './azure-key-vault-key.ts'
import { kmsUnavailable } from './kms-key.ts'

/** A call with a form; `outbound/` makes it. */
export type FormCall = (
  url: string,
  form: string
) => Promise<{ readonly status: number; readonly body: Buffer }>

export interface AzureTokenOptions {
  readonly tenantId: string
  readonly clientId: string
  readonly authorityHost: string
  readonly call: FormCall
  /** The cluster's token, as it stands in its file now. */
  readonly readAssertion: () => Secret
  readonly now: () => Date
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * Exchanges a workload's own token for one of Entra ID. The official library for this is twice the size of Key Vault's
 * client, for ways of logging in that a server does not have.
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export function azureToken(options: AzureTokenOptions): AzureOptions['getToken'] {
  const { tenantId, clientId, authorityHost, call, readAssertion, now } = options
  return async (scope) => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      client_assertion_type: assertionType,
      client_assertion: readAssertion().reveal()
    })
    const url = `${authorityHost}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`
    const { status, body } = await call(url, form.toString())
    if (status !== 200) throw kmsUnavailable(`Entra ID answers ${status}`)
    const { access_token: token, expires_in: seconds } = JSON.parse(body.toString('utf8'))
    return {
      token: new Secret(String(token)),
      expiresAt: new Date(now().getTime() + Number(seconds) * 1_000)
    }
  }
}
