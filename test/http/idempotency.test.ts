import { expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { Idempotency } from '../../src/identity/identity.ts'
import { anId, appConnection, appWith, browser, fabric, now, tokens } from './fakes.ts'

const account = {
  id: anId('serviceAccount'),
  name: 'Bot',
  version: 1,
  createdAt: now,
  allowedNetworks: [],
  isDisabled: false,
  fabrics: []
}
const key = {
  id: anId('key'),
  name: 'k',
  hint: '…c9f2',
  createdAt: now,
  expiresAt: null,
  lastUsedAt: null,
  lastUsedFrom: null,
  key: 'wfts_shown_once'
}
const newFabric = {
  name: 'Lake',
  teamId: anId('team'),
  kind: 'sql',
  provider: 'databricks',
  authMethod: 'oauth'
}
const creates = [
  ['/api/v1/fabrics', newFabric],
  ['/api/v1/app-connections', { name: 'Main', provider: 'databricks' }],
  [`/api/v1/app-connections/${anId('appConnection')}/client-secrets`, { clientSecret: 'a-secret' }],
  [
    `/api/v1/fabrics/${anId('fabric')}/service-principal/client-secrets`,
    { clientSecret: 'a-secret', expiresAt: '2027-01-01T00:00:00Z' }
  ],
  [
    '/api/v1/app-connections/register',
    {
      name: 'Main',
      accountHost: 'accounts.cloud.databricks.com',
      accountId: '7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910',
      clientId: 'admin',
      clientSecret: 'canary-account-secret'
    }
  ],
  ['/api/v1/service-accounts', { name: 'Bot' }],
  [`/api/v1/service-accounts/${account.id}/keys`, { name: 'k' }]
] as const

/** As a replica that has the first answer from the database: through JSON. */
function remembering(): Idempotency {
  const known = new Map<string, { call: string; answer: string }>()
  return {
    async once(_scope, call, work) {
      const told = JSON.stringify([call.operation, call.body])
      const before = known.get(call.key)
      if (before && before.call !== told) throw new AppError('idempotency_conflict')
      if (before) return JSON.parse(before.answer)
      const result = await work()
      known.set(call.key, { call: told, answer: JSON.stringify(result) })
      return result
    }
  }
}

test.each(creates)(
  '201 the same key and body: one effect, one answer: %s',
  async (url, payload) => {
    let effects = 0
    const effect =
      <T>(value: T) =>
      async () => {
        effects += 1
        return value
      }
    const { app } = await appWith({
      fabrics: { create: effect(fabric), addPrincipalSecret: effect(fabric) },
      appConnections: { create: effect(appConnection), addSecret: effect(appConnection) },
      registrations: { register: effect(appConnection) },
      identity: {
        idempotency: remembering(),
        serviceAccounts: { create: effect(account), createKey: effect(key) } as never
      }
    })
    const headers = { ...browser(tokens.admin), 'idempotency-key': 'once-1' }
    const first = await app.inject({ method: 'POST', url, headers, payload })
    const second = await app.inject({ method: 'POST', url, headers, payload })
    expect([first.statusCode, second.statusCode, effects]).toEqual([201, 201, 1])
    expect(second.body).toBe(first.body)

    const other = { ...payload, ...('name' in payload ? { name: 'Other' } : { clientSecret: 'b' }) }
    const conflict = await app.inject({ method: 'POST', url, headers, payload: other })
    expect([conflict.statusCode, conflict.json().code]).toEqual([409, 'idempotency_conflict'])
    await app.close()
  }
)

test('409 the same key and body for another parent', async () => {
  const { app } = await appWith({
    appConnections: { addSecret: async () => appConnection },
    identity: { idempotency: remembering() }
  })
  const headers = { ...browser(tokens.admin), 'idempotency-key': 'once-1' }
  const add = (letter: string) =>
    app.inject({
      method: 'POST',
      url: `/api/v1/app-connections/${anId('appConnection', letter)}/client-secrets`,
      headers,
      payload: { clientSecret: 's' }
    })
  expect((await add('a')).statusCode).toBe(201)
  expect((await add('b')).statusCode).toBe(409)
  await app.close()
})
