import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { anonymous } from '../http/fakes.ts'
import { createPeople, type People } from './people.ts'

export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
export const idTokenType = 'urn:ietf:params:oauth:token-type:id_token'
export const audience = 'https://weft.test/workloads'
export const subject = 'system:serviceaccount:etl:loader'

/** People, a service account, and an issuer of workloads' tokens that does whatever a test tells it to. */
export interface Workloads extends People {
  /** A fresh account that believes the issuer; `more` over what it asks for by default. */
  account(more?: object): Promise<{ id: string; identityId: string; path: string }>
  /** What an honest platform says, with a test's last word on it. */
  claims(more?: Readonly<Record<string, unknown>>): JWTPayload
  sign(claims?: JWTPayload): Promise<string>
  exchange(accountId: string, subjectToken: string, more?: Record<string, string>): Promise<Told>
}

interface Told {
  readonly status: number
  /** The error's code word, or `token`. */
  readonly said: string
  readonly token: string
  readonly description: string
}

export async function createWorkloads(): Promise<Workloads> {
  const people = await createPeople()
  const { admin, oidc, clock } = people
  let count = 0

  function claims(more: Readonly<Record<string, unknown>> = {}): JWTPayload {
    const iat = Math.floor(clock.now().getTime() / 1000)
    const ours = { iss: oidc.issuer, aud: audience, sub: subject, jti: randomUUID() }
    return { ...ours, iat, nbf: iat, exp: iat + 600, ...more }
  }

  return {
    ...people,
    claims,
    sign: (given = claims()) => oidc.script.sign(given),
    async account(more = {}) {
      count += 1
      const name = `workload ${count}`
      const { body } = await admin.call('POST', '/api/v1/service-accounts', { name })
      const path = `/api/v1/service-accounts/${body.id}/federated-identities`
      const input = { name: 'cluster', issuer: oidc.issuer, audience, subject, ...more }
      const made = await admin.call('POST', path, input)
      if (made.status !== 201) throw new TypeError(made.text)
      return { id: body.id, identityId: made.body.id, path }
    },
    async exchange(accountId, subjectToken, more = {}) {
      const form = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: accountId,
        subject_token: subjectToken,
        subject_token_type: jwtType,
        ...more
      })
      const answer = await people.app.inject({
        method: 'POST',
        url: '/oauth2/token',
        headers: { ...anonymous, 'content-type': 'application/x-www-form-urlencoded' },
        payload: form.toString()
      })
      const { error = 'token', error_description = '', access_token = '' } = answer.json()
      return {
        status: answer.statusCode,
        said: error,
        token: access_token,
        description: error_description
      }
    }
  }
}
