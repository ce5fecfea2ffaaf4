import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Answer, refusals } from './hostile-authorization-server/answers.ts'
import { type Books, createBooks, type TokenRules } from './hostile-authorization-server/books.ts'
import { cutShort, send } from './hostile-authorization-server/wire.ts'
import {
  apiAnswer,
  type DeadTokenAnswer,
  metadataAnswer
} from './hostile-authorization-server/workspace.ts'

export { type Answer, refusals, rewrites } from './hostile-authorization-server/answers.ts'
export type { Family, Issued, TokenRules } from './hostile-authorization-server/books.ts'

/** One call of the token endpoint. */
export interface TokenRequest {
  readonly grantType: string
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string | null
  readonly form: URLSearchParams
}

/** What happens to one token request, in this order. */
export interface Behaviour {
  /** Before anything is done about it. */
  readonly holdBefore?: Promise<unknown>
  /** The server does not act: no token is spent. `drop` cuts the connection. */
  readonly instead?: Answer | 'drop' | ((request: TokenRequest) => Answer)
  /** After it has acted: the token is spent, and nobody has heard of the next one. */
  readonly holdAfter?: Promise<unknown>
  /** Last word on the honest answer. */
  readonly rewrite?: (honest: Answer) => Answer
  /** After it has acted: cut the connection before, or in the middle of, the answer. */
  readonly cut?: 'before_answer' | 'mid_answer'
}

export interface HeardTrace {
  readonly path: string
  readonly parent: string | null
  readonly state: string | null
}

export interface HostileServer {
  /** The workspace's origin, which is the authorization server's too. */
  readonly origin: string
  readonly rules: TokenRules
  readonly books: Books
  /** Every token request, in the order of arrival. */
  readonly requests: readonly TokenRequest[]
  /** Every revocation request (RFC 7009). */
  readonly revocations: readonly URLSearchParams[]
  /** Calls of the workspace's API: the bearer of each. */
  readonly apiCalls: readonly string[]
  /** Everything that anybody asked of it, metadata included. */
  readonly hits: number
  /** What each request said of its trace, in the order of arrival. */
  readonly traces: readonly HeardTrace[]
  /** Before each answer of the API. */
  holdApi: () => Promise<unknown>
  /** How many requests of each path have arrived that is not the authorization server's. */
  readonly arrivals: ReadonlyMap<string, number>
  /** Secrets that a client may present; a client that is not in it is refused. */
  readonly clients: Map<string, Set<string>>
  /** Authorization codes that a browser brings back, and who signed in for each. */
  readonly codes: Map<string, string>
  deadTokenAnswer: DeadTokenAnswer
  /** Instead of the API's own answer to a live token. */
  apiAnswer: Answer | null
  revocationStatus: number
  /** Before each answer to a revocation. */
  holdRevocation: () => Promise<unknown>
  metadataStatus: number
  /** Last word on the metadata. */
  metadata: (honest: Record<string, unknown>) => Record<string, unknown>
  /** From now on, until told otherwise. */
  always(behaviour: Behaviour): void
  /** For one request; several queue up. */
  next(behaviour: Behaviour): void
  /** Resolves once so many token requests in all have arrived. */
  arrived(count: number): Promise<void>
  /** Honest again, and nothing queued; the books stay. */
  reset(): void
  stop(): Promise<void>
}

const textOf = (header: string | string[] | null) => header && String(header)

/** A workspace with its authorization server, on loopback, which does whatever a test tells it to. */
export async function startHostileServer(
  now: () => number = () => Date.now()
): Promise<HostileServer> {
  const rules: TokenRules = { rotate: true, revokeOnReuse: true, accessTtlSeconds: 3_600 }
  const books = createBooks(rules, now)
  const requests: TokenRequest[] = []
  const revocations: URLSearchParams[] = []
  const apiCalls: string[] = []
  const traces: HeardTrace[] = []
  const arrivals = new Map<string, number>()
  const waiting: { count: number; resolve: () => void }[] = []
  const queue: Behaviour[] = []
  let standing: Behaviour = {}
  let hits = 0

  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`

  const hostile: HostileServer = {
    origin,
    rules,
    books,
    requests,
    revocations,
    apiCalls,
    traces,
    get hits() {
      return hits
    },
    holdApi: () => Promise.resolve(),
    arrivals,
    clients: new Map(),
    codes: new Map(),
    deadTokenAnswer: 403,
    apiAnswer: null,
    revocationStatus: 200,
    holdRevocation: () => Promise.resolve(),
    metadataStatus: 200,
    metadata: (honest) => honest,
    always(behaviour) {
      standing = behaviour
    },
    next: (behaviour) => void queue.push(behaviour),
    arrived: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    reset() {
      standing = {}
      queue.length = 0
      hostile.apiAnswer = null
      hostile.metadataStatus = 200
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    hits += 1
    const { pathname } = new URL(req.url ?? '/', origin)
    const { traceparent = null, tracestate = null } = req.headers
    traces.push({ path: pathname, parent: textOf(traceparent), state: textOf(tracestate) })
    if (pathname.startsWith('/oidc/.well-known/')) return send(res, metadataAnswer(hostile))
    if (pathname === '/oidc/v1/token') return await answerToken(req, res)
    if (pathname === '/oidc/v1/revoke') {
      const form = new URLSearchParams(await text(req))
      revocations.push(form)
      await hostile.holdRevocation()
      if (hostile.revocationStatus === 200) books.revoke(form.get('token') ?? '')
      return send(res, { status: hostile.revocationStatus, body: '' })
    }
    if (pathname.startsWith('/.well-known/')) return send(res, { status: 404, body: '' })
    arrivals.set(pathname, (arrivals.get(pathname) ?? 0) + 1)
    await text(req)
    await hostile.holdApi()
    send(res, apiAnswer(hostile, apiCalls, req.headers.authorization ?? '', pathname))
  }

  async function answerToken(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = requestOf(new URLSearchParams(await text(req)))
    const behaviour = queue.shift() ?? standing
    requests.push(request)
    for (const { count, resolve } of waiting) if (requests.length >= count) resolve()
    await behaviour.holdBefore
    const { instead } = behaviour
    if (instead === 'drop') return void res.destroy()
    if (instead !== undefined) {
      return send(res, typeof instead === 'function' ? instead(request) : instead)
    }
    const honest = act(request)
    await behaviour.holdAfter
    if (behaviour.cut === 'before_answer') return void res.destroy()
    const final = behaviour.rewrite?.(honest) ?? honest
    if (behaviour.cut === 'mid_answer') return cutShort(res, final)
    send(res, final)
  }

  function act(request: TokenRequest): Answer {
    const { clientId, clientSecret, grantType } = request
    if (grantType === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      const holder = books.holderOf(request.form.get('assertion') ?? '')
      if (holder === null) return refusals.invalidGrant()
      return granted({ accessToken: books.issueAccess(holder, null), refreshToken: null })
    }
    if (hostile.clients.get(clientId)?.has(clientSecret) !== true) return refusals.invalidClient()
    if (grantType === 'client_credentials') {
      return granted({ accessToken: books.issueAccess(clientId, null), refreshToken: null })
    }
    if (grantType === 'authorization_code') {
      const code = request.form.get('code') ?? ''
      const userName = hostile.codes.get(code)
      if (userName === undefined || !hostile.codes.delete(code)) return refusals.invalidGrant()
      return granted(books.signIn(clientId, userName))
    }
    if (grantType !== 'refresh_token' || request.refreshToken === null) {
      return { status: 400, body: { error: 'unsupported_grant_type' } }
    }
    const redemption = books.redeem(request.refreshToken)
    if (redemption.kind !== 'fresh') return refusals.deadRefreshToken(400)
    if (redemption.family.clientId !== clientId) return refusals.invalidGrant()
    return granted(books.issueNext(redemption.family, request.refreshToken))
  }

  function granted(issued: { accessToken: string; refreshToken: string | null }): Answer {
    const body = {
      access_token: issued.accessToken,
      token_type: 'Bearer',
      expires_in: rules.accessTtlSeconds,
      scope: issued.refreshToken === null ? 'all-apis' : 'all-apis offline_access',
      ...(issued.refreshToken === null ? {} : { refresh_token: issued.refreshToken })
    }
    return { status: 200, body }
  }

  return hostile
}

function requestOf(form: URLSearchParams): TokenRequest {
  return {
    grantType: form.get('grant_type') ?? '',
    clientId: form.get('client_id') ?? '',
    clientSecret: form.get('client_secret') ?? '',
    refreshToken: form.get('refresh_token'),
    form
  }
}
