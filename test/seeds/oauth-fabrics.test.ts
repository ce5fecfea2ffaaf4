import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import type { ConnectionView, FabricView } from '../../src/fabrics/fabrics.ts'
import type { TestResult } from '../../src/fabrics/test-results.ts'
import { control } from '../../src/local/seed.ts'
import { bearerClient, logIn, type WeftClient } from '../../src/local/weft-client.ts'
import { type StartedStack, startStack } from '../support/stack.ts'

const path = '/api/v1/fabrics'
const email = 'dev@acme.test'
const adminEmail = 'admin@acme.test'
const principal = { clientId: randomUUID(), clientSecret: 'canary-secret-of-a-service-principal' }
const messages = [{ role: 'user', content: 'Who am I?' }]
const kinds = ['spark', 'sql'] as const
type Kind = (typeof kinds)[number]

let stack: StartedStack
let admin: WeftClient
let user: WeftClient
let teamId: string

beforeAll(async () => {
  stack = await startStack()
  admin = await logIn(stack.weft, stack.tenant, adminEmail)
  user = await logIn(stack.weft, stack.tenant, email)
  const { user: me } = await user.expect<{ user: { id: string } }>(200, 'GET', '/api/v1/me')
  const team = { name: 'Pipelines' }
  teamId = (await admin.expect<{ id: string }>(201, 'POST', '/api/v1/teams', team)).id
  const member = `/api/v1/teams/${teamId}/members/${me.id}`
  await admin.expect(200, 'PUT', member, { role: 'admin' })
  await control(workspace(), '/_sim/service-principals', {
    ...principal,
    displayName: 'Night Worker'
  })
}, 180_000)
afterAll(async () => {
  await stack?.stop()
})

const workspace = () => stack.workspaces[0] ?? ''
const fault = (patch: object | null) =>
  fetch(`${workspace()}/_sim/faults`, {
    method: patch === null ? 'DELETE' : 'PATCH',
    ...(patch === null ? {} : { body: JSON.stringify(patch) })
  })
const create = (kind: Kind, name: string, more: object = {}) =>
  user.expect<FabricView>(201, 'POST', path, {
    name,
    kind,
    teamId,
    provider: 'databricks',
    workspaceUrl: workspace(),
    authMethod: 'oauth',
    ...more
  })
const read = (id: string) => user.expect<FabricView>(200, 'GET', `${path}/${id}`)
const testAs = (as: string, id: string, by = user) =>
  by.expect<TestResult>(200, 'POST', `${path}/${id}/test-connection`, { as })
const ask = (by: WeftClient, id: string, headers: Record<string, string> = {}) =>
  by.call<{ code?: string; actionUrl?: string; choices?: { message: { content: string } }[] }>(
    'POST',
    `/fabrics/${id}/serving-endpoints/whoami/invocations`,
    { messages },
    headers
  )
const seenBy = ({ body }: Awaited<ReturnType<typeof ask>>) => body.choices?.[0]?.message.content

/** Picks the compute of its kind that runs, as the workspace shows it. */
async function finish(id: string, kind: Kind, as: string): Promise<FabricView> {
  const [list, member] =
    kind === 'spark' ? ['clusters', 'clusterId'] : ['warehouses', 'warehouseId']
  const found = await user.expect<{ items: { id: string; state: string }[] }>(
    200,
    'GET',
    `${path}/${id}/${list}?as=${as}`
  )
  const running = found.items.find(({ state }) => state === 'RUNNING')
  const { version } = await read(id)
  const compute = { [member ?? '']: running?.id }
  await user.expect(200, 'PATCH', `${path}/${id}`, { version, compute })
  return await user.expect<FabricView>(200, 'POST', `${path}/${id}/complete`)
}

async function signIn(by: WeftClient, login: string, url: string) {
  const seen: URL[] = []
  const stopAt = (at: URL) => seen.push(at) < 0
  const landing = await by.browser.walk(url, { login, stopAt })
  return { landing, seen }
}

describe.each(kinds)('user to machine: a %s fabric', (kind) => {
  let id: string

  test('is created for Databricks with its workspace URL and OAuth, and no service principal need be given', async () => {
    const made = await create(kind, `U2M ${kind}`)
    id = made.id
    expect(made).toMatchObject({ status: 'draft', authMethod: 'oauth', servicePrincipal: null })
  })

  test('Test Connection tests the sign-in to Databricks: at first it says that one is needed', async () => {
    // The second kind is on the same workspace, where the sign-in of the first serves.
    if (kind === kinds[0]) {
      const failed = (await testAs('user', id)).steps.find(({ status }) => status === 'failed')
      expect(failed).toMatchObject({ step: 'token', code: 'sign_in_needed' })
      expect((await signIn(user, email, `${stack.weft}/sign-in/${id}`)).landing.status).toBe(200)
    }
    const after = await testAs('user', id)
    expect(after).toMatchObject({ ok: true, identity: { userName: email, kind: 'user' } })
  })

  test('the configuration is finished as normal, and Complete completes it', async () => {
    expect(await finish(id, kind, 'user')).toMatchObject({ status: 'complete' })
    const result = await testAs('user', id)
    expect(result.steps.at(-1)).toMatchObject({ step: 'compute', status: 'passed' })
  })

  test('a warning shows that it has no service principal, and what will not run', async () => {
    const { warnings } = await read(id)
    expect(warnings).toContainEqual(
      expect.objectContaining({ code: 'service_principal_missing', owner: 'team_admin' })
    )
    const refused = await user.call('PUT', `${path}/${id}/deployments/nightly`, project)
    expect([refused.status, refused.body.code]).toEqual([409, 'service_principal_missing'])
  })

  test('users authenticate individually: each is at Databricks with their own identity', async () => {
    const asked = await ask(admin, id)
    if (kind === kinds[0]) {
      expect([asked.status, asked.body.code]).toEqual([409, 'sign_in_needed'])
      await signIn(admin, adminEmail, asked.body.actionUrl ?? '')
    }
    const [one, other] = [await ask(user, id), await ask(admin, id)]
    expect([seenBy(one), seenBy(other)]).toEqual([email, adminEmail])
  })
})

describe('the sign-in', () => {
  let id: string

  test('leverages PKCE, and comes back to a callback URL that Weft hosts', async () => {
    id = (await create('sql', 'Sign-in')).id
    await user.expect(200, 'POST', `${path}/${id}/complete`)
    await user.expect(204, 'DELETE', `${path}/${id}/connection`)
    const { seen } = await signIn(user, email, `${stack.weft}/sign-in/${id}`)
    const authorize = seen.find(({ pathname }) => pathname === '/oidc/v1/authorize')
    expect(authorize?.searchParams.get('code_challenge_method')).toBe('S256')
    const [connection] = (await admin.list<AppConnectionView>('/api/v1/app-connections')).filter(
      ({ isDefault }) => isDefault
    )
    expect(authorize?.searchParams.get('redirect_uri')).toBe(connection?.redirectUri)
    const back = seen.find(({ pathname }) => pathname.startsWith('/oauth/callback/'))
    expect(back?.origin).toBe(stack.weft)
    expect(back?.searchParams.has('code')).toBe(true)
  })

  test('is only performed periodically: an access token that has run out renews itself', async () => {
    await fault({ invalidateAccessTokens: true })
    expect(seenBy(await ask(user, id))).toBe(email)
    await fault(null)
  })

  test('how often is the account administrator’s to adjust, and is foreseen', async () => {
    const path = '/api/v1/app-connections'
    const [connection] = (await admin.list<AppConnectionView>(path)).filter((one) => one.isDefault)
    const tokenPolicy = { absoluteSessionLifetimeMinutes: 60 }
    const patch = { version: connection?.version, tokenPolicy }
    await admin.expect(200, 'PATCH', `${path}/${connection?.id}`, patch)
    const shown = await user.expect<ConnectionView>(200, 'GET', `/api/v1/fabrics/${id}/connection`)
    const inMs = Date.parse(String(shown.predictedSignInAt)) - Date.now()
    expect(inMs).toBeGreaterThan(0)
    expect(inMs).toBeLessThanOrEqual(3_600_000)
  })

  test('is asked for again when it is necessary, wherever one is', async () => {
    await user.expect(204, 'DELETE', `${path}/${id}/connection`)
    const { status, body } = await ask(user, id)
    expect([status, body.code]).toEqual([409, 'sign_in_needed'])
    expect(body.actionUrl).toMatch(new RegExp(`^${stack.weft}/sign-in/${id}`))
    await signIn(user, email, body.actionUrl ?? '')
    expect(seenBy(await ask(user, id))).toBe(email)
  })
})

/** A release of a project, with its own schedule. */
const project = {
  settings: {
    tasks: [{ task_key: 'main', notebook_task: { notebook_path: '/Shared/nightly' } }]
  },
  schedule: { quartzCronExpression: '0 0 3 * * ?', timezoneId: 'UTC', pauseStatus: 'UNPAUSED' }
}

describe.each(kinds)('machine to machine: a %s fabric', (kind) => {
  let id: string

  test('takes a service principal’s client ID and secret, which are not those of the app connection', async () => {
    const made = await create(kind, `M2M ${kind}`, { servicePrincipal: principal })
    id = made.id
    const [connection] = (await admin.list<AppConnectionView>('/api/v1/app-connections')).filter(
      ({ isDefault }) => isDefault
    )
    expect(made.servicePrincipal?.clientId).toBe(principal.clientId)
    expect(made.servicePrincipal?.clientId).not.toBe(connection?.clientId)
    expect(JSON.stringify(made)).not.toContain(principal.clientSecret)
  })

  test('Test Connection tests it, nobody signing in, and Complete completes the fabric', async () => {
    const result = await testAs('service_principal', id)
    expect(result).toMatchObject({
      ok: true,
      identity: { userName: principal.clientId, kind: 'service_principal' }
    })
    expect(await finish(id, kind, 'service_principal')).toMatchObject({ status: 'complete' })
  })

  test('no warning shows', async () => {
    const codes = (await read(id)).warnings.map(({ code }) => code)
    expect(codes).not.toContain('service_principal_missing')
  })

  test('unattended operations are the service principal’s, and never a person’s', async () => {
    const account = await admin.expect<{ id: string }>(201, 'POST', '/api/v1/service-accounts', {
      name: `Automation ${kind}`
    })
    const accountPath = `/api/v1/service-accounts/${account.id}`
    await admin.expect(200, 'PUT', `${accountPath}/fabrics`, { fabrics: [{ fabricId: id }] })
    const { key } = await admin.expect<{ key: string }>(201, 'POST', `${accountPath}/keys`, {
      name: 'nightly'
    })
    const service = bearerClient(stack.weft, key)
    expect(seenBy(await ask(service, id))).toBe(principal.clientId)
    const asUser = await ask(service, id, { 'x-weft-act-as': 'user' })
    expect([asUser.status, seenBy(asUser)]).toEqual([403, undefined])
  })

  test('a project is released by the service principal on behalf of the team admin', async () => {
    const { user: me } = await user.expect<{ user: { id: string } }>(200, 'GET', '/api/v1/me')
    const put = await user.expect(200, 'PUT', `${path}/${id}/deployments/nightly`, project)
    expect(put).toMatchObject({
      state: 'deployed',
      servicePrincipal: principal.clientId,
      deployedBy: me.id
    })
    const recorded = `/api/v1/audit-events?action=deployment.put&fabric=${id}`
    const { items } = await admin.expect<{ items: object[] }>(200, 'GET', recorded)
    expect(items[0]).toMatchObject({ outcome: 'succeeded', onBehalfOf: me.id })
  })

  test('its job is scheduled, and always runs as the service principal', async () => {
    const one = `${path}/${id}/deployments/nightly`
    expect(await user.expect(200, 'GET', one)).toMatchObject({ schedule: project.schedule })
    const { runId } = await user.expect<{ runId: string }>(201, 'POST', `${one}/runs`, {})
    expect(await user.expect(200, 'GET', `${one}/runs/${runId}`)).toMatchObject({
      runAs: principal.clientId
    })
  })
})

test('what is written down on the way holds neither a secret nor a token', () => {
  expect(stack.log()).not.toContain(principal.clientSecret)
  expect(stack.log()).not.toMatch(/\bdose[0-9a-f]{16}/)
})
