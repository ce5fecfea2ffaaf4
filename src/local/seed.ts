/**
 * What a fresh stack holds: an app connection, two fabrics with a service principal, a service account.
 * Owns: their names. May touch: Weft's public HTTP API and the simulators' control APIs, nothing else.
 * Never: writes to the database; running it again finds what is there.
 */
import type { DataFolder, KeptSecrets } from './data-folder.ts'
import type { RunningDatabricks } from './databricks/workspace.ts'
import type { RunningIdentityProvider } from './identity-provider.ts'
import { StackError } from './stack-error.ts'
import { logIn, type WeftClient } from './weft-client.ts'

export interface Seeded {
  readonly fabrics: readonly { readonly id: string; readonly name: string; readonly kind: string }[]
  readonly serviceAccountId: string
  readonly serviceKey: string
  /** Of the first fabric. */
  readonly slug: string
}

interface LoginProvider {
  readonly clientId: string
  readonly backchannelLogoutUri: string
}

export interface SeedDeps {
  readonly weft: string
  /** By which people reach it as well. */
  readonly otherUrl: string
  readonly tenant: string
  readonly admin: string
  readonly workspaces: readonly [RunningDatabricks, RunningDatabricks]
  readonly identityProvider: RunningIdentityProvider
  readonly secrets: KeptSecrets
  readonly data: DataFolder
}

interface Team {
  readonly id: string
  readonly name: string
  readonly role: string
}

interface AppConnection {
  readonly id: string
  readonly name: string
  readonly redirectUri: string
}

interface Fabric {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly kind: string
  readonly status: string
  readonly version: number
  readonly workspaceUrl: string
}

interface ServiceAccount {
  readonly id: string
  readonly name: string
}

const scopes = ['all-apis', 'offline_access']
/** What the simulated account lets the app ask for. */
const grantable = ['all-apis', 'sql', 'offline_access', 'openid', 'email', 'profile']

export async function seed(deps: SeedDeps): Promise<Seeded> {
  const { secrets } = deps
  const client = await logIn(deps.weft, deps.tenant, deps.admin)
  const [teamId, connection] = await Promise.all([
    findTeam(client),
    seedAppConnection(client, secrets),
    announceLogouts(client, deps.identityProvider)
  ])
  await Promise.all(deps.workspaces.map(({ url }) => registerAt(url, connection, deps)))
  const [first, second] = deps.workspaces
  const shared = {
    teamId,
    provider: 'databricks',
    authMethod: 'oauth',
    appConnectionId: connection.id,
    servicePrincipal: {
      clientId: secrets.principalClientId,
      clientSecret: secrets.principalClientSecret
    }
  }
  const [spark, sql] = await Promise.all([
    seedFabric(client, {
      ...shared,
      name: 'Spark',
      kind: 'spark',
      workspaceUrl: first.url,
      compute: { clusterId: first.compute.runningClusterId }
    }),
    seedFabric(client, {
      ...shared,
      name: 'SQL',
      kind: 'sql',
      workspaceUrl: second.url,
      compute: { warehouseId: second.compute.runningWarehouseId }
    })
  ])
  const fabrics = [spark, sql]
  const account = await seedServiceAccount(client, fabrics, deps.data)
  const shown = fabrics.map(({ id, name, kind }) => ({ id, name, kind }))
  return { fabrics: shown, slug: spark.slug, ...account }
}

async function announceLogouts(client: WeftClient, idp: RunningIdentityProvider): Promise<void> {
  for (const one of await client.list<LoginProvider>('/api/v1/login-providers')) {
    idp.tellLogouts(one.clientId, one.backchannelLogoutUri)
  }
}

/** What an account admin does at Databricks before a workspace lets Weft's people and services in. */
async function registerAt(
  workspace: string,
  { redirectUri }: AppConnection,
  { weft, otherUrl, secrets }: SeedDeps
): Promise<void> {
  await control(workspace, '/_sim/apps', {
    clientId: secrets.appClientId,
    clientSecret: secrets.appClientSecret,
    redirectUrls: [weft, otherUrl].map((url) => redirectUri.replace(weft, url)),
    scopes: grantable
  })
  await control(workspace, '/_sim/service-principals', {
    clientId: secrets.principalClientId,
    clientSecret: secrets.principalClientSecret,
    displayName: 'Weft Worker'
  })
}

/** Registers an OAuth client or a service principal at a simulator. */
export async function control(origin: string, path: string, value: unknown): Promise<void> {
  const answer = await fetch(`${origin}${path}`, { method: 'PUT', body: JSON.stringify(value) })
  if (answer.ok) return
  throw new StackError(`${origin}${path} answered ${answer.status}: ${await answer.text()}`)
}

async function findTeam(client: WeftClient): Promise<string> {
  const { teams } = await client.expect<{ teams: Team[] }>(200, 'GET', '/api/v1/me')
  const owned = teams.filter(({ role }) => role === 'admin')
  const team = owned.find(({ name }) => !/personal/i.test(name)) ?? owned[0]
  if (team) return team.id
  throw new StackError('The admin administers no team, so there is none to give fabrics to.')
}

async function seedAppConnection(client: WeftClient, secrets: KeptSecrets): Promise<AppConnection> {
  const name = 'Local Databricks account'
  const found = (await client.list<AppConnection>('/api/v1/app-connections')).find(
    (one) => one.name === name
  )
  if (found) return found
  return client.expect(201, 'POST', '/api/v1/app-connections', {
    name,
    provider: 'databricks',
    clientId: secrets.appClientId,
    clientSecret: secrets.appClientSecret,
    scopes,
    isDefault: true
  })
}

async function seedFabric(
  client: WeftClient,
  wanted: { name: string; workspaceUrl: string; servicePrincipal: object } & Record<string, unknown>
): Promise<Fabric> {
  const all = await client.list<Fabric>('/api/v1/fabrics')
  let fabric = all.find(({ name }) => name === wanted.name)
  fabric ??= await client.expect<Fabric>(201, 'POST', '/api/v1/fabrics', wanted)
  if (fabric.workspaceUrl !== wanted.workspaceUrl) {
    const { workspaceUrl, servicePrincipal } = wanted
    const change = { version: fabric.version, workspaceUrl, servicePrincipal }
    fabric = await client.expect<Fabric>(200, 'PATCH', `/api/v1/fabrics/${fabric.id}`, change)
  }
  if (fabric.status === 'complete') return fabric
  return client.expect<Fabric>(200, 'POST', `/api/v1/fabrics/${fabric.id}/complete`)
}

async function seedServiceAccount(
  client: WeftClient,
  fabrics: readonly Fabric[],
  data: DataFolder
): Promise<{ serviceAccountId: string; serviceKey: string }> {
  const name = 'nightly-report'
  const path = '/api/v1/service-accounts'
  let account = (await client.list<ServiceAccount>(path)).find((one) => one.name === name)
  account ??= await client.expect<ServiceAccount>(201, 'POST', path, { name })
  await client.expect(200, 'PUT', `${path}/${account.id}/fabrics`, {
    fabrics: fabrics.map(({ id }) => ({ fabricId: id }))
  })
  const keysPath = `${path}/${account.id}/keys`
  const kept = data.serviceKey()
  const { items } = await client.expect<{ items: { id: string }[] }>(200, 'GET', keysPath)
  const isKnown = kept?.serviceAccountId === account.id && items.some(({ id }) => id === kept.keyId)
  if (kept && isKnown) return { serviceAccountId: account.id, serviceKey: kept.key }
  const { id, key } = await client.expect<{ id: string; key: string }>(201, 'POST', keysPath, {
    name: 'local stack'
  })
  data.keepServiceKey({ serviceAccountId: account.id, keyId: id, key })
  return { serviceAccountId: account.id, serviceKey: key }
}
