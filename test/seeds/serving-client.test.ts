import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import { type Browserless, createBrowserless } from '../../src/local/browserless.ts'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { control } from '../../src/local/seed.ts'
import { logIn, type WeftClient } from '../../src/local/weft-client.ts'
import { type StartedStack, startStack } from '../support/stack.ts'
import { runSampleApp, type SampleApp } from './sample-app.ts'

interface Integration {
  readonly integration_id: string
  readonly client_id: string
  readonly name: string
  readonly confidential: boolean
  readonly redirect_urls: readonly string[]
  readonly scopes: readonly string[]
}

const connections = '/api/v1/app-connections'
const email = 'dev@acme.test'
const accountAdmin = { clientId: randomUUID(), clientSecret: 'canary-secret-of-an-account-admin' }
const apps = `/api/2.0/accounts/${simulatedAccountId}/oauth2/custom-app-integrations`
const scopes = ['all-apis', 'offline_access']
/** The quickstart chatbot's schema; the advanced one takes another. */
const quickstart = { messages: [{ role: 'user', content: 'What is a weft?' }] }
const advanced = { input: [{ role: 'user', content: 'And what is a warp?' }], custom_inputs: {} }

let stack: StartedStack
let admin: WeftClient
let user: WeftClient
let connection: AppConnectionView
let fabricId: string
let token: string
const running: SampleApp[] = []

beforeAll(async () => {
  stack = await startStack()
  admin = await logIn(stack.weft, stack.tenant, 'admin@acme.test')
  user = await logIn(stack.weft, stack.tenant, email)
  const principal = { ...accountAdmin, displayName: 'Account Admin', isAccountAdmin: true }
  await control(workspace(), '/_sim/service-principals', principal)
}, 180_000)
afterAll(async () => {
  for (const app of running) await app.close()
  await stack?.stop()
})

const workspace = () => stack.workspaces[0] ?? ''
const run = async (endpointName: string, data: object = quickstart, by = token) => {
  const instance = `${stack.weft}/fabrics/${fabricId}/`
  const app = await runSampleApp({ instance, endpointName, token: by, data })
  running.push(app)
  return app
}
const since = async (at: string) => {
  const answer = await fetch(`${workspace()}/_sim/log?since=${encodeURIComponent(at)}`)
  const { items } = (await answer.json()) as {
    items: { path: string; grantType: string | null; principal: string | null }[]
  }
  return items
}

/** What an account admin sees in the account. */
async function atAccount<T>(method: string, path: string, body?: unknown): Promise<T> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'all-apis',
    client_id: accountAdmin.clientId,
    client_secret: accountAdmin.clientSecret
  })
  const tokens = `${workspace()}/oidc/accounts/${simulatedAccountId}/v1/token`
  const granted = (await (await fetch(tokens, { method: 'POST', body: form })).json()) as {
    access_token: string
  }
  const answer = await fetch(workspace() + path, {
    method,
    headers: { authorization: `Bearer ${granted.access_token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  return (await answer.json()) as T // its own documented shape
}

describe('the application is registered', () => {
  test('an app registration at the identity provider manages its users’ login to the application itself', async () => {
    const [provider] = await admin.list<{ issuer: string; clientId: string }>(
      '/api/v1/login-providers'
    )
    expect(provider).toMatchObject({ issuer: stack.identityProvider, clientId: 'weft-acme' })
    const me = await user.expect(200, 'GET', '/api/v1/me')
    expect(me).toMatchObject({ user: { email } })
  })

  test('the OAuth application is created at the account that is named by its id', async () => {
    connection = await admin.expect<AppConnectionView>(201, 'POST', `${connections}/register`, {
      name: 'flask_app_with_oauth',
      accountHost: workspace(),
      accountId: simulatedAccountId,
      ...accountAdmin,
      scopes,
      isDefault: true
    })
    expect(connection).toMatchObject({ status: 'ready', accountId: simulatedAccountId, scopes })
  })

  test('it has the name, the redirect URL and the scopes that were asked for, and is confidential', async () => {
    const { apps: made } = await atAccount<{ apps: Integration[] }>('GET', apps)
    const found = made.find(({ integration_id: id }) => id === connection.registrationId)
    expect(found).toMatchObject({
      name: 'flask_app_with_oauth',
      // One for each address that the local stack answers at.
      redirect_urls: expect.arrayContaining([connection.redirectUri]),
      confidential: true
    })
    expect(found?.scopes).toEqual(expect.arrayContaining(scopes))
  })

  test('its client_id, client_secret and integration_id are noted, the secret where nobody reads it', async () => {
    const [secret] = connection.clientSecrets
    expect(connection.clientId).toMatch(/^[0-9a-f-]{36}$/)
    expect(connection.registrationId).not.toBeNull()
    expect(secret).toMatchObject({ state: 'current', hint: expect.stringMatching(/^…/) })
    expect(JSON.stringify(connection)).not.toContain(accountAdmin.clientSecret)
  })

  test('a redirect URL that is changed at the account no longer matches: the integration_id serves to mend it', async () => {
    const path = `${apps}/${connection.registrationId}`
    await atAccount('PATCH', path, { redirect_urls: ['http://localhost:5001/callback'] })
    const registration = `${connections}/${connection.id}/registration`
    const seen = await admin.expect(200, 'POST', `${registration}/check`, accountAdmin)
    expect(seen).toMatchObject({
      status: 'drifted',
      differences: [
        { member: 'redirectUrls', needed: expect.arrayContaining([connection.redirectUri]) }
      ]
    })
    const mended = await admin.expect(200, 'POST', `${registration}/mend`, accountAdmin)
    expect(mended).toMatchObject({ status: 'in_step', differences: [] })
  })
})

describe('the application is run and visited', () => {
  const browser: Browserless = createBrowserless()
  const places: string[] = []
  let challengeMethod: string | null = null
  let beganAt: string

  test('it is given the workspace URL as it was copied, and no personal access token of Databricks', async () => {
    const { teams } = await user.expect<{ teams: { id: string; role: string }[] }>(
      200,
      'GET',
      '/api/v1/me'
    )
    const made = await user.expect<{ id: string; workspaceUrl: string }>(
      201,
      'POST',
      '/api/v1/fabrics',
      {
        name: 'RAG chatbot',
        teamId: teams.find(({ role }) => role === 'admin')?.id,
        kind: 'sql',
        provider: 'databricks',
        authMethod: 'oauth',
        workspaceUrl: `${workspace()}/`
      }
    )
    expect(made.workspaceUrl).toBe(workspace())
    fabricId = made.id
    await user.expect(200, 'POST', `/api/v1/fabrics/${fabricId}/complete`)
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const key = await user.expect<{ token: string }>(201, 'POST', '/api/v1/tokens', {
      name: 'flask_app_with_oauth',
      expiresAt,
      scope: { fabrics: [fabricId], access: 'query' }
    })
    token = key.token
    expect(token).toMatch(/^wftp_/)
  })

  test('visited in a browser it prompts to authenticate at the identity provider, then at Databricks', async () => {
    beganAt = new Date().toISOString()
    const app = await run('helpdesk-agent')
    const landing = await browser.walk(app.url, {
      login: email,
      stopAt: (url) => {
        places.push(url.origin)
        if (url.pathname === '/oidc/v1/authorize') {
          challengeMethod = url.searchParams.get('code_challenge_method')
        }
        return false
      }
    })
    expect([landing.status, landing.url]).toEqual([
      200,
      expect.stringContaining(`${stack.weft}/sign-in/attempts/`)
    ])
    const order = [stack.weft, stack.identityProvider, workspace()].map((one) =>
      places.indexOf(one)
    )
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order).not.toContain(-1)
    expect(challengeMethod).toBe('S256')
  })

  test('then it authenticates to Databricks and calls the chatbot’s endpoint', async () => {
    const page = await browser.visit((await run('helpdesk-agent')).url)
    expect(page.status).toBe(200)
    expect(page.text).toContain('What is a weft?')
  })

  test('the endpoint is asked as the user, by U2M OAuth', async () => {
    const page = await browser.visit((await run('whoami')).url)
    expect(page.text).toContain(email)
    const seen = await since(beganAt)
    expect(seen.map(({ grantType }) => grantType)).toContain('authorization_code')
    const asked = seen.filter(({ path }) => path.endsWith('/invocations'))
    expect(asked.map(({ principal }) => principal)).toEqual([email, email])
  })

  test('the advanced scenario’s schema is another one, and passes as it is', async () => {
    const page = await browser.visit((await run('helpdesk-agent', advanced)).url)
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('what is a warp?')])
  })

  test('an endpoint that is not deployed is the workspace’s own answer', async () => {
    const page = await browser.visit((await run('rag-chatbot-of-nobody')).url)
    expect([page.status, page.text]).toEqual([404, expect.stringContaining('does not exist')])
  })

  test('scope offline_access: an hour later it is asked again without anybody signing in', async () => {
    await fetch(`${workspace()}/_sim/faults`, {
      method: 'PATCH',
      body: JSON.stringify({ invalidateAccessTokens: true })
    })
    const at = new Date().toISOString()
    const page = await browser.visit((await run('whoami')).url)
    expect([page.status, page.text]).toEqual([200, expect.stringContaining(email)])
    expect((await since(at)).map(({ grantType }) => grantType)).toContain('refresh_token')
    await fetch(`${workspace()}/_sim/faults`, { method: 'DELETE' })
  })

  test('what it says of itself holds neither a secret nor a token', () => {
    expect(stack.log()).not.toContain(accountAdmin.clientSecret)
    expect(stack.log()).not.toContain(token)
  })
})
