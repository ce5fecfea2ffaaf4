import { OAuthProblem } from './oauth-problem.ts'
import type { Form } from './token-request.ts'

const tokenType = 'urn:ietf:params:oauth:token-type:'
/** What an exchange gives (RFC 8693 §2.2.1). */
export const issuedTokenType = `${tokenType}access_token`

interface Subject {
  readonly serviceAccountId: string
  readonly assertion: string
  readonly assertionType: 'jwt' | 'id_token'
}

/**
 * Who asks, by a JWT of their own platform and by nothing else (RFC 8693 §2.1).
 * @throws OAuthProblem `invalid_request`
 */
export function subjectOf(authorization: string | undefined, form: Form): Subject {
  const { client_id: id, subject_token: assertion, subject_token_type: type } = form
  if (authorization !== undefined || form.client_secret !== undefined) {
    throw refusal('The subject token is the one authentication of an exchange')
  }
  if (!id) throw refusal('client_id, the id of a service account, is missing')
  if (!assertion) throw refusal('subject_token is missing')
  const assertionType = typeOf(type)
  if (assertionType === null) {
    throw refusal(`subject_token_type is ${tokenType}jwt or ${tokenType}id_token`)
  }
  if (form.actor_token !== undefined) throw refusal('actor_token is not served')
  const requested = form.requested_token_type ?? issuedTokenType
  if (requested !== issuedTokenType) throw refusal(`requested_token_type is ${issuedTokenType}`)
  return { serviceAccountId: id, assertion, assertionType }
}

function typeOf(type: string | undefined): 'jwt' | 'id_token' | null {
  if (type === `${tokenType}jwt`) return 'jwt'
  return type === `${tokenType}id_token` ? 'id_token' : null
}

function refusal(detail: string): OAuthProblem {
  return new OAuthProblem('invalid_request', detail)
}
