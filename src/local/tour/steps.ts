/**
 * The main job, step by step, as people and services do it, against a running stack.
 * Owns: what each step must come to. May touch: Weft's public HTTP API and the simulators' control API.
 * Never: looks behind Weft's API.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { control } from '../seed.ts'
import { isObject } from '../simulation/exchange.ts'
import { StackError } from '../stack-error.ts'
import type { StackSummary } from '../stack-file.ts'
import { bearerClient, logIn, type WeftAnswer, type WeftClient } from '../weft-client.ts'

export interface Step {
  readonly title: string
  /** Does it; returns what is worth telling. @throws StackError when it came to something else */
  readonly run: () => Promise<string>
}

interface AppConnection {
  readonly id: string
  readonly status: string
  readonly version: number
  readonly redirectUri: string
}

interface Fabric {
  readonly id: string
  readonly status: string
}

interface TestResult {
  readonly ok: boolean
  readonly identity: { readonly userName: string } | null
  readonly steps: readonly {
    readonly step: string
    readonly status: string
    readonly code?: string
  }[]
}

interface Team {
  readonly id: string
  readonly role: string
}

const messages = [{ role: 'user', content: 'Tell me how a weft holds the warp' }]

/** The steps in order, and how to remove afterwards what they made. */
export function tourSteps(stack: StackSummary): { steps: Step[]; cleanUp: () => Promise<void> } {
  const { weft, tenant } = stack
  const name = `Tour ${randomBytes(4).toString('hex')}`
  const app = { clientId: randomUUID(), clientSecret: `dose${randomBytes(16).toString('hex')}` }
  const made: { client: WeftClient; path: string }[] = []
  const admin = once<WeftClient>('the admin has not logged in')
  const user = once<WeftClient>('the user has not logged in')
  const connection = once<AppConnection>('there is no app connection')
  const fabric = once<Fabric>('there is no fabric')
  const service = once<WeftClient>('the service has no key')
  const emailOf = (role: string) => {
    const person = stack.people.find((one) => one.role === role && one.email.endsWith('@acme.test'))
    return person?.email ?? ''
  }
  const [adminEmail, userEmail] = [emailOf('tenant_admin'), emailOf('member')]
  const seeded = stack.fabrics[0]
  const test = () =>
    user
      .get()
      .expect<TestResult>(200, 'POST', `/api/v1/fabrics/${fabric.get().id}/test-connection`, {
        as: 'user'
      })
  const ask = (client: WeftClient, fabricId: string | undefined, endpoint: string, body: object) =>
    client.call('POST', `/fabrics/${fabricId}/serving-endpoints/${endpoint}/invocations`, body)

  const steps: Step[] = [
    step('The admin logs in by OpenID Connect', async () => {
      admin.set(await logIn(weft, tenant, adminEmail))
      const me = await admin.get().expect<{ role: string }>(200, 'GET', '/api/v1/me')
      same(me.role, 'tenant_admin', 'role')
      return adminEmail
    }),
    step('The admin creates an app connection, still without credentials', async () => {
      const body = { name, provider: 'databricks' }
      connection.set(await admin.get().expect(201, 'POST', '/api/v1/app-connections', body))
      made.push({ client: admin.get(), path: `/api/v1/app-connections/${connection.get().id}` })
      same(connection.get().status, 'draft', 'status')
      return connection.get().redirectUri
    }),
    step(
      'The admin registers its redirect URI at the account and sets client ID and secret',
      async () => {
        const { id, version, redirectUri } = connection.get()
        const scopes = ['all-apis', 'offline_access']
        const registration = { ...app, redirectUrls: [redirectUri], scopes }
        await control(stack.workspaces[0], '/_sim/apps', registration)
        const patch = { version, ...app }
        const path = `/api/v1/app-connections/${id}`
        const updated = await admin.get().expect<AppConnection>(200, 'PATCH', path, patch)
        same(updated.status, 'ready', 'status')
        if (JSON.stringify(updated).includes(app.clientSecret))
          throw new StackError('the secret came back')
        return updated.status
      }
    ),
    step('A user logs in and creates a fabric', async () => {
      user.set(await logIn(weft, tenant, userEmail))
      const { teams } = await user.get().expect<{ teams: Team[] }>(200, 'GET', '/api/v1/me')
      const teamId = teams.find(({ role }) => role === 'admin')?.id
      if (!teamId) throw new StackError(`${userEmail} administers no team`)
      const created = await user.get().expect<Fabric>(201, 'POST', '/api/v1/fabrics', {
        name,
        teamId,
        kind: 'spark',
        provider: 'databricks',
        workspaceUrl: stack.workspaces[0],
        authMethod: 'oauth',
        appConnectionId: connection.get().id
      })
      fabric.set(created)
      made.unshift({ client: user.get(), path: `/api/v1/fabrics/${created.id}` })
      if (created.status !== 'complete') {
        await user.get().expect(200, 'POST', `/api/v1/fabrics/${created.id}/complete`)
      }
      return created.id
    }),
    step('The user tests the connection before signing in, and is told to sign in', async () => {
      const result = await test()
      same(result.ok, false, 'ok')
      const codes = result.steps.flatMap(({ code }) => (code === undefined ? [] : [code]))
      if (!codes.includes('sign_in_needed')) throw new StackError(`codes: ${codes.join(' ')}`)
      return 'sign_in_needed'
    }),
    step('The user signs in at the workspace through the real redirects, with PKCE', async () => {
      let challengeMethod: string | null = null
      const landing = await user
        .get()
        .browser.walk(`${weft}/sign-in/${fabric.get().id}?return_to=/console`, {
          login: userEmail,
          stopAt: (url) => {
            if (url.pathname === '/oidc/v1/authorize') {
              challengeMethod = url.searchParams.get('code_challenge_method')
            }
            return url.origin === weft && url.pathname === '/console'
          }
        })
      same(challengeMethod, 'S256', 'code_challenge_method')
      const [place] = landing.url.split('?') // the rest carries the code
      if (landing.status !== 0) throw new StackError(`ended at ${place} with ${landing.status}`)
      return 'back at the console'
    }),
    step('The user tests the connection again, and it passes', async () => {
      const result = await test()
      const failed = result.steps.filter(({ status }) => status === 'failed')
      if (!result.ok)
        throw new StackError(failed.map(({ step, code }) => `${step}: ${code}`).join(', '))
      same(result.identity?.userName, userEmail, 'identity')
      return `as ${userEmail}`
    }),
    step('The user queries the endpoint as themself', async () => {
      const answer = await ask(user.get(), fabric.get().id, 'whoami', { messages })
      answered(answer, 'user')
      same(contentOf(answer.body), userEmail, 'whoami')
      return `the workspace saw ${userEmail}`
    }),
    step('The user queries it again, streamed', async () => {
      const body = { messages, stream: true }
      const answer = await ask(user.get(), fabric.get().id, stack.endpoint, body)
      answered(answer, 'user')
      const events = answer.text.split('\n\n').filter((event) => event.startsWith('data: '))
      same(events.at(-1), 'data: [DONE]', 'last event')
      const words = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
      const text = words.map((chunk) => chunk.choices[0].delta.content).join('')
      if (!text.includes(messages[0]?.content ?? '')) throw new StackError(`streamed: ${text}`)
      return `${events.length} events`
    }),
    step('A service gets a key that is allowed on both fabrics', async () => {
      const path = '/api/v1/service-accounts'
      const { id } = await admin.get().expect<{ id: string }>(201, 'POST', path, { name })
      made.unshift({ client: admin.get(), path: `${path}/${id}` })
      const fabrics = [seeded?.id, fabric.get().id].map((fabricId) => ({ fabricId }))
      await admin.get().expect(200, 'PUT', `${path}/${id}/fabrics`, { fabrics })
      const key = await admin
        .get()
        .expect<{ key: string; hint: string }>(201, 'POST', `${path}/${id}/keys`, { name })
      if (!key.key.startsWith('wfts_')) throw new StackError('the key does not begin with wfts_')
      service.set(bearerClient(weft, key.key))
      return key.hint
    }),
    step('The service queries the endpoint as the service principal', async () => {
      const answer = await ask(service.get(), seeded?.id, 'whoami', { messages })
      answered(answer, 'service_principal')
      const seen = String(contentOf(answer.body))
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(seen)) {
        throw new StackError(`the workspace saw ${seen}`)
      }
      return `the workspace saw ${seen}`
    }),
    step('The service is refused on a fabric without a service principal', async () => {
      const answer = await ask(service.get(), fabric.get().id, 'whoami', { messages })
      same(answer.status, 409, 'status')
      same(answer.body.code, 'service_principal_missing', 'code')
      return '409 service_principal_missing'
    })
  ]
  const cleanUp = async () => {
    for (const { client, path } of made) await client.call('DELETE', path).catch(() => undefined)
  }
  return { steps, cleanUp }
}

function step(title: string, run: () => Promise<string>): Step {
  return { title, run }
}

/** A value that one step leaves for later ones. */
function once<T>(missing: string) {
  let value: T | undefined
  return {
    set(given: T) {
      value = given
    },
    get(): T {
      if (value === undefined) throw new StackError(missing)
      return value
    }
  }
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new StackError(`${what} is ${actual}, not ${expected}`)
}

function answered(answer: WeftAnswer, identity: string): void {
  if (answer.status !== 200) {
    throw new StackError(`answered ${answer.status}: ${answer.text.slice(0, 500)}`)
  }
  same(answer.headers.get('x-weft-identity'), identity, 'x-weft-identity')
}

function contentOf(body: Record<string, unknown>): unknown {
  const choice: unknown = Array.isArray(body.choices) ? body.choices[0] : undefined
  return isObject(choice) && isObject(choice.message) ? choice.message.content : undefined
}
