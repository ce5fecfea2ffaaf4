import { describe, expect, test } from 'vitest'
import { AppError, invalidRequest } from '../../src/base/errors.ts'
import { anId, appConnection, appWith, browser, now, service, tokens } from './fakes.ts'

const id = anId('appConnection')
const url = '/api/v1/app-connections'
const credentials = { clientId: 'admin', clientSecret: 'canary-account-secret' }
const body = {
  name: 'Main',
  accountHost: 'accounts.cloud.databricks.com',
  accountId: '7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910',
  ...credentials
}
const inStep = {
  status: 'in_step',
  registrationId: 'i-1',
  differences: [],
  checkedAt: now
} as const

describe('POST /api/v1/app-connections/register', () => {
  test('201 with the app connection; the secret is in neither answer nor log', async () => {
    const inputs: unknown[] = []
    const { app, lines } = await appWith({
      registrations: {
        register: async (_scope, input) => {
          inputs.push(input)
          return { ...appConnection, registrationId: 'i-1' }
        }
      }
    })
    const answer = await app.inject({
      method: 'POST',
      url: `${url}/register`,
      headers: browser(tokens.admin),
      payload: body
    })
    expect([answer.statusCode, answer.json().registrationId]).toEqual([201, 'i-1'])
    expect(inputs).toMatchObject([{ name: 'Main', admin: { clientId: 'admin' } }])
    expect(JSON.stringify([inputs, answer.json(), lines])).not.toContain('canary')
    await app.close()
  })

  test('400 where the account refuses, naming the member that is at fault', async () => {
    const { app } = await appWith({
      registrations: { register: () => Promise.reject(invalidRequest('/clientId', 'not an admin')) }
    })
    const answer = await app.inject({
      method: 'POST',
      url: `${url}/register`,
      headers: browser(tokens.admin),
      payload: body
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ pointer: '/clientId' }] })
    await app.close()
  })

  test('400 for unknown members, missing ones and wrong types, all at once', async () => {
    const { app } = await appWith()
    const answer = await app.inject({
      method: 'POST',
      url: `${url}/register`,
      headers: browser(tokens.admin),
      payload: { ...body, name: 7, accountId: undefined, extra: true }
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors.length).toBeGreaterThanOrEqual(3)
    await app.close()
  })
})

describe.each(['check', 'mend', 'delete'] as const)('POST …/registration/%s', (step) => {
  const request = { method: 'POST', url: `${url}/${id}/registration/${step}` } as const
  const registrations = {
    check: async () => inStep,
    mend: async () => inStep,
    unregister: async () => appConnection
  }

  test('200 for a tenant admin, 403 for a member and for a service account', async () => {
    const { app } = await appWith({ registrations })
    const statuses = []
    for (const headers of [browser(tokens.admin), browser(tokens.member), service()]) {
      statuses.push((await app.inject({ ...request, headers, payload: credentials })).statusCode)
    }
    expect(statuses).toEqual([200, 403, 403])
    await app.close()
  })

  test('404 for another tenant, in the same words as for none; 400 without credentials', async () => {
    const none = () => Promise.reject(new AppError('not_found'))
    const { app } = await appWith({ registrations: { check: none, mend: none, unregister: none } })
    const headers = browser(tokens.admin)
    const missing = await app.inject({ ...request, headers, payload: credentials })
    const bare = await app.inject({ ...request, headers, payload: {} })
    expect([missing.statusCode, bare.statusCode]).toEqual([404, 400])
    await app.close()
  })
})
