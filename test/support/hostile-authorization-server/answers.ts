/** One answer on the wire, its body as members or verbatim. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>> | string
  /** It is sent and never ended, as a stream that takes its time. */
  readonly isEndless?: boolean
}

type Rewrite = (honest: Answer) => Answer

/** Answers with which no token is spent. */
export const refusals = {
  throttled: (retryAfterSeconds: number): Answer => ({
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    body: { error: 'temporarily_unavailable', error_description: 'Too many requests' }
  }),
  unavailable: (status = 503): Answer => ({ status, body: 'upstream connect error' }),
  /** What Databricks says of a dead refresh token, with either status. */
  deadRefreshToken: (status: 400 | 401): Answer => ({
    status,
    body: { error: 'invalid_request', error_description: 'Refresh token is invalid' }
  }),
  invalidGrant: (): Answer => ({ status: 400, body: { error: 'invalid_grant' } }),
  invalidClient: (): Answer => ({
    status: 401,
    body: { error: 'invalid_client', error_description: 'Client authentication failed' }
  }),
  scopesNotAssigned: (): Answer => ({
    status: 400,
    body: { error: 'access_denied', error_description: "Scopes 'all-apis' are not assigned" }
  }),
  page: (status = 200): Answer => ({
    status,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Sign in</title>'
  })
}

/** Changes of an answer for which the token has been spent. */
export const rewrites = {
  without:
    (...members: readonly string[]): Rewrite =>
    (honest) => ({
      ...honest,
      body: Object.fromEntries(
        Object.entries(membersOf(honest)).filter(([name]) => !members.includes(name))
      )
    }),
  withMembers:
    (members: Readonly<Record<string, unknown>>): Rewrite =>
    (honest) => ({ ...honest, body: { ...membersOf(honest), ...members } }),
  withStatus:
    (status: number): Rewrite =>
    (honest) => ({ ...honest, status }),
  /** An id_token that is none, signed by nobody. */
  withBadIdToken: (): Rewrite => (honest) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: 'https://elsewhere.test', aud: 'somebody', sub: 'x', iat: 1, exp: 2 }
    const id_token = `${part({ alg: 'ES256' })}.${part(claims)}.AAAA`
    return { ...honest, body: { ...membersOf(honest), id_token } }
  },
  /** Repeats what was sent, tokens and all, the way that a careless server does. */
  withEcho:
    (status: number): Rewrite =>
    (honest) => ({
      status,
      body: { error: 'server_error', error_description: JSON.stringify(honest.body) }
    })
}

function membersOf({ body }: Answer): Readonly<Record<string, unknown>> {
  return typeof body === 'string' ? {} : body
}
