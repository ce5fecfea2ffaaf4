import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AppError } from '../base/errors.ts'
import { ScimFault } from '../identity/identity.ts'
import type { ProblemWriter } from './plugins/problem.ts'

export const scimType = 'application/scim+json; charset=utf-8'

/** SCIM has few statuses of its own (RFC 7644 §3.12): what is not one of ours keeps its own. */
function typeOf(error: AppError): string | undefined {
  if (error instanceof ScimFault) return error.scimType
  return error.code === 'invalid_request' ? 'invalidSyntax' : undefined
}

/** Answers a failed SCIM request in SCIM's own words, whatever failed. */
export function sendScimProblem(
  problems: Pick<ProblemWriter, 'note' | 'retryAfterOf'>,
  request: FastifyRequest,
  reply: FastifyReply,
  err: unknown
): FastifyReply {
  const error = problems.note(request, err)
  const retryAfter = problems.retryAfterOf(error)
  if (retryAfter !== null) reply.header('retry-after', retryAfter)
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="weft"')
  if (error.code === 'body_too_large') reply.header('connection', 'close')
  const kind = typeOf(error)
  return reply
    .code(error.status)
    .header('x-weft-problem', error.code)
    .type(scimType)
    .send({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(error.status),
      ...(kind !== undefined && { scimType: kind }),
      detail: error.message
    })
}
