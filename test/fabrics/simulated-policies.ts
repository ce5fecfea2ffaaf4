import type { FederationPolicy } from '../../src/local/databricks/federation-policies.ts'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { accountAdmin, type World } from './world.ts'

const account = `/api/2.0/accounts/${simulatedAccountId}`

/** What an account admin does by hand. */
async function atAccount<T>(world: World, path: string, method = 'GET', body?: object): Promise<T> {
  const { url } = world.workspace
  const { clientId, clientSecret } = accountAdmin
  const client = { client_id: clientId, client_secret: clientSecret }
  const form = { grant_type: 'client_credentials', scope: 'all-apis', ...client }
  const tokenUrl = `${url}/oidc/accounts/${simulatedAccountId}/v1/token`
  const token = await fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(form) })
  const { access_token } = (await token.json()) as { access_token: string }
  const answer = await fetch(url + account + path, {
    method,
    headers: { authorization: `Bearer ${access_token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  if (!answer.ok) throw new TypeError(await answer.text())
  return (await answer.json()) as T // its own documented shape
}

async function pathOf(world: World, clientId: string): Promise<string> {
  const filter = encodeURIComponent(`applicationId eq "${clientId}"`)
  const found = await atAccount<{ Resources: { id: string }[] }>(
    world,
    `/scim/v2/ServicePrincipals?filter=${filter}`
  )
  return `/servicePrincipals/${found.Resources[0]?.id}/federationPolicies`
}

/** The federation policies of a service principal, after one was made where a body is given. */
export async function policiesAt(
  world: World,
  clientId: string,
  method: 'GET' | 'POST' = 'GET',
  body?: object
): Promise<FederationPolicy[]> {
  const path = await pathOf(world, clientId)
  if (method === 'POST') await atAccount(world, path, method, body)
  return (await atAccount<{ policies: FederationPolicy[] }>(world, path)).policies
}

export async function clearPolicies(world: World, clientId: string): Promise<void> {
  const path = await pathOf(world, clientId)
  for (const { policy_id } of await policiesAt(world, clientId)) {
    await atAccount(world, `${path}/${policy_id}`, 'DELETE')
  }
}
