import type { ProblemCode } from '../../base/errors.ts'
import type { AnswerHeaders } from '../provider.ts'
import { type ApiEnvelope, isPage, readEnvelope } from './envelope.ts'

const invalidToken = /^Invalid (access )?token/i
/** The edge's own words; the only ones in the answer to a HEAD. */
const reasonHeader = 'x-databricks-reason-phrase'

/**
 * The edge answers 401 to a missing or foreign credential, 403 with a *number* as error code to a wrong
 * or expired token, and at times 400 to an expired Entra token. `PERMISSION_DENIED` is never about the
 * token. A model's own 400 may quote anything and is not looked into.
 */
export function isDeadTokenAnswer(
  status: number,
  body: string,
  headers: AnswerHeaders = {}
): boolean {
  if (status === 401) return true
  if (status !== 400 && status !== 403) return false
  if (body === '') return status === 403 && invalidToken.test(headers[reasonHeader] ?? '')
  const { errorCode, message } = readEnvelope(body)
  if (status === 403) return errorCode === 403 && invalidToken.test(message)
  return errorCode !== 'BAD_REQUEST' && message.includes('ExpiredJwtException')
}

/** Databricks' failures by what they ask of whom. */
export function classifyApiFailure(
  status: number,
  headers: AnswerHeaders,
  body: string
): ProblemCode {
  if (status < 400) return classifyPage(headers)
  if (isDeadTokenAnswer(status, body, headers)) return 'sign_in_needed'
  if (status === 408 || status === 504) return 'upstream_timeout'
  if (status === 429 || status >= 500) return 'upstream_unavailable'
  const envelope = readEnvelope(body)
  if (status === 403) return classifyForbidden(envelope)
  if (status === 404)
    return isUnknownPath(envelope, headers, body) ? 'workspace_unreachable' : 'compute_not_found'
  if (status === 400 && isMissing(envelope)) return 'compute_not_found'
  return 'upstream_unavailable'
}

/** A page or a redirect where the API should be: wrong kind of host, or a private link that refuses. */
function classifyPage(headers: AnswerHeaders): ProblemCode {
  const location = headers.location ?? ''
  return location.includes('private-link-validation-error')
    ? 'ip_not_allowed'
    : 'workspace_unreachable'
}

function classifyForbidden({ message }: ApiEnvelope): ProblemCode {
  if (/\bIP ACL\b|^Source IP address\b/i.test(message)) return 'ip_not_allowed'
  if (/required scopes/i.test(message)) return 'scope_missing'
  if (/not assigned to|not a member of|not (found|present) in (the )?workspace/i.test(message)) {
    return 'principal_not_in_workspace'
  }
  return 'compute_forbidden'
}

function isUnknownPath(envelope: ApiEnvelope, headers: AnswerHeaders, body: string): boolean {
  return envelope.errorCode === 'ENDPOINT_NOT_FOUND' || body === '' || isPage(headers, body)
}

function isMissing({ errorCode, message }: ApiEnvelope): boolean {
  return (
    errorCode === 'RESOURCE_DOES_NOT_EXIST' ||
    (errorCode === 'INVALID_PARAMETER_VALUE' &&
      /does not exist|is not a valid (endpoint|cluster|warehouse)/i.test(message))
  )
}
