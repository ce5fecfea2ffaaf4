/**
 * A simulated OpenID provider on `http://localhost:{port}`: oidc-provider with a button per person.
 * Owns: who can log in, and its clients. May touch: the simulation parts beside it.
 * Never: knows Weft or Databricks.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type AdapterPayload, errors, Provider } from 'oidc-provider'
import { type Clock, systemClock } from '../base/clock.ts'
import { configuration, type LoginPerson, subjectOf } from './login/settings.ts'
import { spoilTokens } from './login/token-faults.ts'
import { createControl } from './simulation/control.ts'
import { isObject, readBody, replayed, sendHtml, sendJson } from './simulation/exchange.ts'
import { createFaultBoard } from './simulation/faults.ts'
import { serveLoopback } from './simulation/loopback.ts'
import { page, personForm } from './simulation/page.ts'
import { createRecorder } from './simulation/recorder.ts'
import { signingKey } from './simulation/signing-key.ts'
import { createTokenStore } from './simulation/token-store.ts'

export type { LoginPerson } from './login/settings.ts'

export interface LoginClient {
  readonly clientId: string
  readonly clientSecret: string
  /** Matched exactly; one that ends in `/*` stands for any single last segment. */
  readonly redirectUris: readonly string[]
  /** Where it hears that a session here is over (OpenID Connect Back-Channel Logout). */
  readonly backchannelLogoutUri?: string
}

export interface IdentityProviderOptions {
  readonly port: number
  readonly people: readonly LoginPerson[]
  readonly clients: readonly LoginClient[]
  /** Path without ending; the signing key and sessions are kept there across starts. */
  readonly stateFile?: string
  readonly clock?: Clock
  readonly log?: (line: string) => void
}

export interface RunningIdentityProvider {
  /** Also the issuer. */
  readonly url: string
  readonly port: number
  /** Adds the client or replaces it. */
  putClient(client: LoginClient): void
  addRedirectUri(clientId: string, redirectUri: string): void
  /** From now on the client hears of logouts there. */
  tellLogouts(clientId: string, backchannelLogoutUri: string): void
  stop(): Promise<void>
}

export async function startIdentityProvider(
  options: IdentityProviderOptions
): Promise<RunningIdentityProvider> {
  const clock = options.clock ?? systemClock()
  const log = options.log ?? (() => {})
  const key = await signingKey(options.stateFile && `${options.stateFile}.key.json`)
  const clients = new Map(options.clients.map((client) => [client.clientId, client]))
  const faults = createFaultBoard()
  const recorder = createRecorder(clock)
  const putClient = (client: LoginClient) => void clients.set(client.clientId, client)
  const control = createControl(faults, recorder, {
    '/_sim/clients': (value) => {
      if (!isClient(value)) return ['wanted: clientId, clientSecret, redirectUris']
      putClient(value)
      return []
    }
  })
  const store = createTokenStore({
    clock,
    file: options.stateFile && `${options.stateFile}.tokens.json`,
    canRevoke: () => true,
    findClient: (clientId) => clientMetadata(clients.get(clientId))
  })

  const server = await serveLoopback(options.port, (issuer) => {
    const settings = configuration(options.people, key, faults, Number(new URL(issuer).port))
    const provider = new Provider(issuer, { ...settings, adapter: store.adapter })
    allowWildcards(provider, clients)
    spoilTokens(provider, faults, recorder)
    provider.on('server_error', (_ctx, error) => log(`identity provider: ${error.message}`))
    provider.on('backchannel.error', (_ctx, error) => log(`back-channel logout: ${error.message}`))
    const callback = provider.callback()
    const handle = async (req: IncomingMessage, res: ServerResponse) => {
      const path = (req.url ?? '/').split('?')[0] ?? '/'
      const body = await readBody(req)
      if (path.startsWith('/_sim/')) {
        const { status, value } = control(req, body)
        return sendJson(res, status, value)
      }
      const entry = recorder.record(req, res, body)
      if (path === '/token') {
        const form = new URLSearchParams(body.toString())
        entry.grantType = form.get('grant_type')
        entry.clientId = form.get('client_id')
      }
      if (path.startsWith('/login/')) return logIn(provider, options.people, req, res, body)
      await callback(replayed(req, body, ''), res)
      return undefined
    }
    const listener: RequestListener = (req, res) => {
      handle(req, res).catch((error: unknown) => {
        log(`identity provider: ${error instanceof Error ? error.message : 'unknown error'}`)
        if (!res.headersSent) sendJson(res, 500, { error: 'server_error' })
        else res.destroy()
      })
    }
    return listener
  })
  return {
    url: server.url,
    port: server.port,
    putClient,
    addRedirectUri(clientId, redirectUri) {
      const client = clients.get(clientId)
      if (!client) return
      putClient({ ...client, redirectUris: [...new Set([...client.redirectUris, redirectUri])] })
    },
    tellLogouts(clientId, backchannelLogoutUri) {
      const client = clients.get(clientId)
      if (client) putClient({ ...client, backchannelLogoutUri })
    },
    async stop() {
      await server.close()
      store.save()
    }
  }
}

async function logIn(
  provider: Provider,
  people: readonly LoginPerson[],
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer
): Promise<void> {
  try {
    const { uid } = await provider.interactionDetails(req, res)
    const chosen = new URLSearchParams(body.toString()).get('login')
    const person = people.find(({ email }) => email === chosen)
    if (req.method !== 'POST' || !person) {
      return sendHtml(res, page('Who are you?', personForm(`/login/${uid}`, people)))
    }
    const login = { accountId: subjectOf(person.email) }
    return await provider.interactionFinished(req, res, { login })
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) throw error
    sendJson(res, 400, { error: 'invalid_request', error_description: 'The login has expired.' })
  }
}

function allowWildcards(provider: Provider, clients: ReadonlyMap<string, LoginClient>): void {
  provider.Client.prototype.redirectUriAllowed = function (uri: string) {
    return (clients.get(this.clientId)?.redirectUris ?? []).some((allowed) => {
      if (!allowed.endsWith('/*')) return allowed === uri
      const root = allowed.slice(0, -1)
      return uri.startsWith(root) && /^[\w-]+$/.test(uri.slice(root.length))
    })
  }
  provider.Client.prototype.postLogoutRedirectUriAllowed = function (uri: string) {
    const origins = (clients.get(this.clientId)?.redirectUris ?? []).map((one) => originOf(one))
    return origins.includes(originOf(uri))
  }
}

function clientMetadata(client: LoginClient | undefined): AdapterPayload | undefined {
  if (!client) return undefined
  const exact = client.redirectUris.filter((uri) => !uri.endsWith('/*'))
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    redirect_uris: exact.length > 0 ? exact : ['http://localhost/none'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...(client.backchannelLogoutUri !== undefined && {
      backchannel_logout_uri: client.backchannelLogoutUri,
      backchannel_logout_session_required: true
    })
  }
}

function isClient(value: unknown): value is LoginClient {
  if (!isObject(value)) return false
  const { clientId, clientSecret, redirectUris } = value
  return (
    typeof clientId === 'string' && typeof clientSecret === 'string' && Array.isArray(redirectUris)
  )
}

function originOf(uri: string): string {
  return URL.parse(uri)?.origin ?? ''
}
