import type { Answer } from './answers.ts'
import type { Books } from './books.ts'

/** How the workspace's API tells that a token is dead. */
export type DeadTokenAnswer = 401 | 403 | 400

const deadTokenAnswers: Readonly<Record<DeadTokenAnswer, Answer>> = {
  400: { status: 400, body: { message: 'io.jsonwebtoken.ExpiredJwtException: JWT expired' } },
  401: {
    status: 401,
    body: { error_code: 401, message: 'Credential was not sent or unsupported' }
  },
  403: { status: 403, body: { error_code: 403, message: 'Invalid access token.' } }
}

interface Workspace {
  readonly origin: string
  readonly books: Books
  readonly deadTokenAnswer: DeadTokenAnswer
  readonly apiAnswer: Answer | null
  readonly metadataStatus: number
  readonly metadata: (honest: Record<string, unknown>) => Record<string, unknown>
}

/** Answers whoever holds a live token of this server, and nobody else. */
export function apiAnswer(
  { books, deadTokenAnswer, apiAnswer: instead }: Workspace,
  calls: string[],
  authorization: string,
  pathname: string
): Answer {
  // Told to whoever asks: what a token is worth is counted where something is done with it.
  if (pathname.startsWith('/api/2.0/serving-endpoints/')) {
    return { status: 200, body: { route_optimized: false } }
  }
  const bearer = /^Bearer (.+)$/.exec(authorization)?.[1] ?? ''
  calls.push(bearer)
  const userName = books.holderOf(bearer)
  if (userName === null) return deadTokenAnswers[deadTokenAnswer]
  if (instead !== null) return instead
  if (pathname === '/api/2.0/preview/scim/v2/Me') {
    return { status: 200, body: { id: `id-of-${userName}`, userName, active: true } }
  }
  return { status: 200, body: { asked: pathname, as: userName } }
}

/** RFC 8414. */
export function metadataAnswer({ origin, metadata, metadataStatus }: Workspace): Answer {
  if (metadataStatus !== 200) return { status: metadataStatus, body: 'upstream connect error' }
  const root = `${origin}/oidc`
  return {
    status: 200,
    body: metadata({
      issuer: root,
      authorization_endpoint: `${root}/v1/authorize`,
      token_endpoint: `${root}/v1/token`,
      revocation_endpoint: `${root}/v1/revoke`,
      response_types_supported: ['code'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic']
    })
  }
}
