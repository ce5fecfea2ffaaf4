import { host } from '../http/fakes.ts'
import { type Answer, createPeople, type People } from './people.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** People, and a tenant's identity provider that keeps them. */
export interface ScimWorld {
  readonly people: People
  readonly token: string
  /** As the identity provider, in SCIM's own media type. */
  scim(method: Method, path: string, body?: unknown, token?: string): Promise<Answer>
  user(body: object): Promise<string>
}

export async function createScimWorld(): Promise<ScimWorld> {
  const people = await createPeople()
  const made = await people.admin.call('POST', '/api/v1/scim-tokens', { name: 'Entra' })
  const { token } = made.body

  async function scim(method: Method, path: string, body?: unknown, bearer: string = token) {
    const type = body === undefined ? {} : { 'content-type': 'application/scim+json' }
    const headers = { host, authorization: `Bearer ${bearer}`, ...type }
    return await people.send(method, `/scim/v2${path}`, headers, body)
  }

  return {
    people,
    token,
    scim,
    async user(body) {
      const answer = await scim('POST', '/Users', body)
      if (answer.status !== 201) throw new TypeError(answer.text)
      return answer.body.id
    }
  }
}

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'
export const patchSchemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']

/** Create User, as Microsoft documents what Entra ID sends. */
export function entraUser(name: string, more: object = {}) {
  return {
    schemas: [userSchema, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
    externalId: `oid-${name}`,
    userName: `${name}@acme.test`,
    active: true,
    emails: [{ primary: true, type: 'work', value: `${name}@acme.test` }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    roles: [],
    ...more
  }
}

/** Create User, as Okta documents it. */
export function oktaUser(name: string, more: object = {}) {
  return {
    schemas: [userSchema],
    userName: `${name}@acme.test`,
    name: { givenName: 'Test', familyName: 'User' },
    emails: [{ primary: true, value: `${name}@acme.test`, type: 'work' }],
    displayName: 'Test User',
    locale: 'en-US',
    externalId: `00u-${name}`,
    groups: [],
    password: '1mz050nq',
    active: true,
    ...more
  }
}

export const patch = (...Operations: object[]) => ({ schemas: patchSchemas, Operations })
