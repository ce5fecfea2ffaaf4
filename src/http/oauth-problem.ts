import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type ProblemCode } from '../base/errors.ts'
import type { ProblemWriter } from './plugins/problem.ts'

/** RFC 6749 §5.2, RFC 8707 §2, and of RFC 6749 §4.1.2.1 what a server says of itself. */
type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'temporarily_unavailable'
  | 'server_error'

/** A refusal of a token request that has a name of its own in OAuth. */
export class OAuthProblem extends AppError {
  readonly oauthCode: OAuthErrorCode

  constructor(
    oauthCode: 'invalid_request' | 'unsupported_grant_type' | 'invalid_scope' | 'invalid_target',
    detail: string
  ) {
    super('invalid_request', { detail })
    this.oauthCode = oauthCode
  }
}

/** Faults of the form, whatever they would be of a resource. */
const badRequests: ReadonlySet<ProblemCode> = new Set(['invalid_request', 'not_found'])

function codeOf(error: AppError): OAuthErrorCode {
  if (error instanceof OAuthProblem) return error.oauthCode
  if (error.status === 401) return 'invalid_client'
  if (error.code === 'not_found') return 'invalid_target'
  if ([429, 502, 503, 504].includes(error.status)) return 'temporarily_unavailable'
  return error.status >= 500 ? 'server_error' : 'invalid_request'
}

/** Answers a failed token request as RFC 6749 §5.2 says, whatever failed. */
export function sendOAuthProblem(
  problems: Pick<ProblemWriter, 'note' | 'retryAfterOf'>,
  request: FastifyRequest,
  reply: FastifyReply,
  err: unknown
): FastifyReply {
  const error = problems.note(request, err)
  const code = codeOf(error)
  const retryAfter = problems.retryAfterOf(error)
  if (retryAfter !== null) reply.header('retry-after', retryAfter)
  if (code === 'invalid_client') reply.header('www-authenticate', 'Basic realm="weft"')
  if (error.code === 'body_too_large') reply.header('connection', 'close')
  const description = code === 'invalid_client' ? 'Client authentication failed' : error.message
  return reply
    .code(badRequests.has(error.code) ? 400 : error.status)
    .header('x-weft-problem', error.code)
    .type('application/json; charset=utf-8')
    .send({ error: code, error_description: description })
}
