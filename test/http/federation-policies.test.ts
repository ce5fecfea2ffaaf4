import { expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { FederationPolicyView } from '../../src/fabrics/federation-policies.ts'
import { appWith, browser, fabricId, now, tokens } from './fakes.ts'

const url = `/api/v1/fabrics/${fabricId}/federation-policy`
const credentials = { clientId: 'admin', clientSecret: 'canary-account-secret' }
const body = {
  accountHost: 'accounts.cloud.databricks.com',
  accountId: '7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910',
  ...credentials
}
const form = { policy: { oidc_policy: { issuer: 'https://weft.test' } }, command: 'databricks …' }
const view: FederationPolicyView = {
  clientId: 'principal',
  issuer: 'https://weft.test',
  audiences: ['https://dbc.test/oidc/v1/token'],
  subject: 'tenant:ten_1:team:team_1:fabric:fab_1',
  ...form,
  withKeys: { ...form, goodUntil: now }
}

test('200 the policy, whole', async () => {
  const { app } = await appWith({ federationPolicies: { get: async () => view } })
  const answer = await app.inject({ method: 'GET', url, headers: browser(tokens.admin) })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual(JSON.parse(JSON.stringify(view)))
  await app.close()
})

test('200 its registration; the secret is in neither answer nor log', async () => {
  const inputs: unknown[] = []
  const { app, lines } = await appWith({
    federationPolicies: {
      register: async (_scope, _id, input) => {
        inputs.push(input)
        return { ...view, policyId: 'p-1', outcome: 'created' }
      }
    }
  })
  const headers = browser(tokens.admin)
  const request = { method: 'POST', url: `${url}/register`, headers, payload: body } as const
  const answer = await app.inject(request)
  expect([answer.statusCode, answer.json().outcome]).toEqual([200, 'created'])
  expect(inputs).toMatchObject([{ withKeys: false, admin: { clientId: 'admin' } }])
  expect(JSON.stringify([inputs, answer.json(), lines])).not.toContain('canary')
  await app.close()
})

test('400 for unknown members, missing ones and wrong types, all at once', async () => {
  const { app } = await appWith()
  const answer = await app.inject({
    method: 'POST',
    url: `${url}/register`,
    headers: browser(tokens.admin),
    payload: { ...body, withKeys: 'yes', accountId: undefined, extra: true }
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors.length).toBeGreaterThanOrEqual(3)
  await app.close()
})

test('401 for a stranger, and what the room says for everybody else', async () => {
  const none = () => Promise.reject(new AppError('not_found'))
  const { app } = await appWith({ federationPolicies: { get: none, register: none } })
  const get = async (headers: Record<string, string>) =>
    (await app.inject({ method: 'GET', url, headers })).statusCode
  expect(await get({ host: 'weft.test' })).toBe(401)
  expect(await get(browser(tokens.admin))).toBe(404)
  await app.close()
})
