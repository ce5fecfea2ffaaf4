import { createServer, type Server } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type AppConnectionView,
  type Verification,
  verificationSteps
} from '../../src/app-connections/app-connections.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { lookupAll } from '../../src/outbound/address-guard.ts'
import { signIn } from '../fabrics/signing-in.ts'
import { as, client, createWorld, faultOf, type World } from '../fabrics/world.ts'

const nowhere = 'https://dbc-0-nowhere.cloud.databricks.com'
let world: World
let silent: Server
let packets = 0
const origins = { silent: '', closed: '', plain: '' }

beforeAll(async () => {
  silent = createServer((socket) => {
    packets += 1
    socket.on('error', () => undefined)
  })
  origins.silent = `http://localhost:${await portOf(silent)}`
  const closed = createServer()
  const port = await portOf(closed)
  origins.closed = `http://localhost:${port}`
  await new Promise((resolve) => closed.close(resolve))
  origins.plain = `https://localhost:${await portOf(plain)}`
  world = await createWorld({
    extraOrigins: Object.values(origins),
    stepTimeoutMs: 2_000,
    lookup: async (hostname) => {
      if (hostname.endsWith('.databricks.com')) throw new TypeError('ENOTFOUND')
      return await lookupAll(hostname)
    }
  })
})
afterAll(async () => {
  await world.close()
  silent.close()
  plain.close()
})
beforeEach(() => world.clear())

/** Speaks no TLS. */
const plain = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
})

function portOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, 'localhost', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

const heard: string[] = []
const verify = (
  { id }: Pick<AppConnectionView, 'id'>,
  workspaceUrl: string | undefined = world.workspace.url,
  scope = as.admin
): Promise<Verification> => {
  heard.length = 0
  const signal = new AbortController().signal
  const onStep = ({ step }: { step: string }) => void heard.push(step)
  return world.appConnections.verify(scope, id, { workspaceUrl }, onStep, signal)
}
const current = (id: AppConnectionView['id']) => world.appConnections.get(as.admin, id)
const failureOf = ({ steps }: Verification) => steps.find(({ status }) => status === 'failed')

describe('an app connection that works', () => {
  test('passes every step, each told as it ends, and is verified', async () => {
    const made = await world.connect()
    const result = await verify(made)
    expect(result.steps.map(({ step, status }) => [step, status])).toEqual(
      verificationSteps.map((step) => [step, 'passed'])
    )
    expect(heard).toEqual(verificationSteps)
    expect(result).toMatchObject({ ok: true, workspaceHost: new URL(world.workspace.url).host })
    const view = await current(made.id)
    expect(view).toMatchObject({ status: 'verified', version: made.version })
    expect(view.lastVerification).toEqual(result)
  })

  test('asks the host of a fabric that uses it where no workspace is named', async () => {
    const made = await world.connect()
    const ask = () => world.appConnections.verify(as.admin, made.id, {}, () => {}, idle())
    const fault = await faultOf(ask())
    expect(fault).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/workspaceUrl' }] })
    await world.fabrics.create(as.lead, world.newFabric({ workspaceUrl: world.elsewhere.url }))
    expect((await ask()).workspaceHost).toBe(new URL(world.elsewhere.url).host)
  })

  test('tells the same when asked again, and leaves a record each time', async () => {
    const made = await world.connect()
    const [first, second] = [await verify(made), await verify(made)]
    expect([first.ok, second.ok]).toEqual([true, true])
    expect(second.checkedAt > first.checkedAt).toBe(true)
    expect(await world.audit('app_connection.verify')).toMatchObject([
      { outcome: 'succeeded', actor_id: 'usr_admin' },
      { outcome: 'succeeded' }
    ])
  })

  test('C9 no secret in what is told, kept or recorded', async () => {
    const made = await world.connect()
    await world.register([made.redirectUri], { clientSecret: 'another' })
    const result = await verify(made)
    const text = inspect([result, await current(made.id)], { depth: 20 }) + (await world.dump())
    expect(text).not.toContain(client.clientSecret)
  })
})

const idle = () => new AbortController().signal

describe('what is wrong is told apart, with whose move it is and where to click', () => {
  const register = (more: Record<string, unknown>) => async (made: AppConnectionView) =>
    await world.register([made.redirectUri], more)
  const faults = (patch: Record<string, unknown>) => () => world.faults(patch)
  const others = { redirectUri: 'http://weft.test/oauth/callback/another' }

  test.each<
    [string, (made: AppConnectionView) => Promise<unknown>, string, string, RegExp, (() => string)?]
  >([
    [
      'client ID unknown',
      (made) => change(made, { clientId: 'nobody-knows-it' }),
      'client_id',
      'app_connection_refused tenant_admin',
      /knows no OAuth application.*30 minutes/
    ],
    [
      'redirect URI not registered',
      () => world.register([others.redirectUri]),
      'redirect_uri',
      'redirect_uri_mismatch tenant_admin',
      /not registered.*30 minutes/
    ],
    [
      'scope not granted',
      register({ scopes: ['sql', 'offline_access'] }),
      'scopes',
      'scope_missing tenant_admin',
      /may not ask for all-apis\. .*30 minutes/
    ],
    [
      'offline_access missing',
      register({ scopes: ['all-apis'] }),
      'offline_access',
      'scope_missing tenant_admin',
      /Without offline_access.*every hour.*30 minutes/
    ],
    [
      'secret wrong',
      register({ clientSecret: 'not-what-was-pasted' }),
      'client_secret',
      'app_connection_refused tenant_admin',
      /its secret is wrong.*30 minutes/
    ],
    [
      'the new secret wrong while the one before works',
      (made) => change(made, { clientSecret: new Secret('a-secret-nobody-made') }),
      'client_secret',
      'app_connection_refused tenant_admin',
      /one before it still works/
    ],
    [
      'OAuth off, with a web page in its place',
      faults({ oauthOff: 'page' }),
      'discovery',
      'oauth_not_enabled provider_admin',
      /web page, or nothing/
    ],
    [
      'OAuth off, with nothing in its place',
      faults({ oauthOff: 'missing' }),
      'discovery',
      'oauth_not_enabled provider_admin',
      /web page, or nothing/
    ],
    [
      'the token endpoint down',
      faults({ tokenStatus: 503 }),
      'client_secret',
      'upstream_unavailable upstream',
      /could not answer/
    ],
    [
      'host without an address',
      async () => undefined,
      'dns',
      'dns_failed upstream',
      /has no address/,
      () => nowhere
    ],
    [
      'host that refuses',
      async () => undefined,
      'tls',
      'workspace_unreachable upstream',
      /refuses the connection/,
      () => origins.closed
    ],
    [
      'host without TLS',
      async () => undefined,
      'tls',
      'tls_failed upstream',
      /certificate/,
      () => origins.plain
    ],
    [
      'host that never answers',
      async () => undefined,
      'discovery',
      'upstream_timeout upstream',
      /in time/,
      () => origins.silent
    ],
    [
      'B1 host outside the zones',
      async () => undefined,
      'host',
      'host_not_allowed tenant_admin',
      /no workspace host/,
      () => 'https://evil.example'
    ],
    [
      'B1 host beside the allowed ones',
      (made) => change(made, { allowedHosts: ['x.cloud.databricks.com'] }),
      'host',
      'host_not_allowed tenant_admin',
      /does not serve/
    ],
    [
      'disabled',
      (made) => change(made, { isDisabled: true }),
      'settings',
      'app_connection_missing tenant_admin',
      /disabled/
    ]
  ])('%s', async (_, prepare, step, told, detail, url) => {
    const made = await world.connect()
    await prepare(made)
    const result = await verify(made, url?.())
    const failed = failureOf(result)
    expect([failed?.step, `${failed?.code} ${failed?.owner}`]).toEqual([step, told])
    expect(failed?.detail).toMatch(detail)
    const rest = result.steps.slice(result.steps.findIndex((one) => one.step === step) + 1)
    expect(rest.every(({ status }) => status === 'skipped')).toBe(true)
    const view = await current(made.id)
    expect(view.lastVerification).toEqual(result)
    expect(view.status).not.toBe('verified')
    const [event] = await world.audit('app_connection.verify')
    expect(event).toMatchObject({ outcome: 'failed', code: failed?.code, details: { step } })
  })

  test('a draft says what is not set yet', async () => {
    const draft = await world.appConnections.create(as.admin, {
      name: 'Draft',
      provider: 'databricks'
    })
    expect(failureOf(await verify(draft))).toMatchObject({
      step: 'settings',
      code: 'app_connection_missing',
      detail: expect.stringContaining('client ID'),
      action: { value: draft.redirectUri }
    })
    const half = await change(draft, { clientId: 'c' })
    expect(failureOf(await verify(half))).toMatchObject({
      detail: expect.stringContaining('secret')
    })
  })

  test('the redirect URL to register is there to be copied', async () => {
    const made = await world.connect()
    await world.register([others.redirectUri])
    const action = failureOf(await verify(made))?.action
    expect(action).toMatchObject({
      text: expect.stringContaining('Settings › App connections'),
      value: made.redirectUri
    })
  })

  test('a scope that the latest sign-in was not given is missing, though none was refused', async () => {
    const made = await world.connect()
    const fabric = await world.fabrics.create(as.lead, world.newFabric())
    await signIn(world, as.lead, fabric.id)
    await world.sql(`UPDATE grant_tokens SET scope = 'offline_access'`)
    const failed = failureOf(await verify(made))
    expect(failed).toMatchObject({ step: 'scopes', detail: expect.stringContaining('all-apis') })
  })
})

describe('how long a verification counts', () => {
  const change = (
    patch: Parameters<World['appConnections']['update']>[2] extends infer P
      ? Omit<P, 'version'>
      : never
  ) => patch
  test.each([
    ['client ID', change({ clientId: 'another' }), false],
    ['secret', change({ clientSecret: new Secret('another-secret') }), false],
    ['scopes', change({ scopes: ['all-apis', 'sql', 'offline_access'] }), false],
    ['way to authenticate', change({ clientAuthMethod: 'client_secret_basic' }), false],
    ['name', change({ name: 'Renamed' }), true]
  ])('with another %s', async (_, patch, stands) => {
    const made = await world.connect()
    await verify(made)
    const { version } = await current(made.id)
    const view = await world.appConnections.update(as.admin, made.id, { version, ...patch })
    expect([view.status, view.lastVerification !== null]).toEqual([
      stands ? 'verified' : 'ready',
      stands
    ])
  })

  test('a workspace that is away takes nothing from what was verified, a refusal does', async () => {
    const made = await world.connect()
    await verify(made)
    await verify(made, nowhere)
    expect(await current(made.id)).toMatchObject({
      status: 'verified',
      lastVerification: { ok: false }
    })
    await world.register([made.redirectUri], { clientSecret: 'rolled' })
    await verify(made)
    expect((await current(made.id)).status).toBe('ready')
  })

  test('settings that change under way are not verified by it', async () => {
    const made = await world.connect()
    const onStep = async ({ step }: { step: string }) => {
      if (step !== 'client_id') return
      await world.sql('UPDATE app_connections SET version = version + 1')
    }
    const changed: Promise<void>[] = []
    const result = await world.appConnections.verify(
      as.admin,
      made.id,
      { workspaceUrl: world.workspace.url },
      (step) => void changed.push(onStep(step)),
      idle()
    )
    await Promise.all(changed)
    expect(result.ok).toBe(true)
    expect(await current(made.id)).toMatchObject({ status: 'ready', lastVerification: null })
  })
})

describe('what it cannot be used for', () => {
  test('E9 B1 nothing leaves for a host that is not allowed', async () => {
    const made = await world.connect()
    const before = packets
    const { port } = new URL(origins.silent)
    for (const url of [
      `https://localhost:${port}`,
      `http://127.0.0.1:${port}`,
      `http://[::1]:${port}`
    ]) {
      expect(failureOf(await verify(made, url))).toMatchObject({ code: 'host_not_allowed' })
    }
    expect(packets).toBe(before)
  })

  test('B1 what is no address of a workspace is refused before any step', async () => {
    const made = await world.connect()
    for (const url of [
      'https://user:pw@x.cloud.databricks.com',
      'https://accounts.cloud.databricks.com',
      'ftp://x',
      'http://2130706433'
    ]) {
      expect((await faultOf(verify(made, url))).code).toBe('invalid_request')
    }
  })

  test('D1 another tenant’s reads like none', async () => {
    const { id } = await world.connect()
    const asked = [id, asId('appConnection', 'apc_nowhere')].map((one) =>
      faultOf(verify({ id: one }, undefined, as.stranger))
    )
    const [theirs, nobodys] = await Promise.all(asked)
    expect(theirs?.code).toBe('not_found')
    expect({ ...theirs }).toEqual({ ...nobodys })
  })
})

async function change(
  { id }: Pick<AppConnectionView, 'id'>,
  patch: Omit<Parameters<World['appConnections']['update']>[2], 'version'>
): Promise<AppConnectionView> {
  const { version } = await current(id)
  return await world.appConnections.update(as.admin, id, { version, ...patch })
}
