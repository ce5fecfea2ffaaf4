import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  principal,
  readLog,
  resetFaults,
  signIn,
  startWorkspace
} from './workspace-support.ts'

const me = '/api/2.0/preview/scim/v2/Me'
let workspace: RunningDatabricks
let origin: string
let userToken: string
let _machine: string
beforeAll(async () => {
  workspace = await startWorkspace()
  origin = workspace.url
  userToken = (await signIn(origin)).access_token
  _machine = (await machineToken(origin, principal)).body.access_token
})
afterEach(() => resetFaults(origin))
afterAll(() => workspace.stop())

describe('log', () => {
  test('each request once, with whom it was for and no secret', async () => {
    const since = new Date().toISOString()
    const { body } = await machineToken(origin, principal)
    await api(origin, `${me}?attributes=${body.access_token}`, body.access_token)
    const items = await readLog(origin, since)
    expect(items).toMatchObject([
      {
        method: 'POST',
        path: '/oidc/v1/token',
        status: 200,
        grantType: 'client_credentials',
        clientId: principal.clientId,
        principal: principal.clientId,
        bodySha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        aborted: false
      },
      { method: 'GET', path: me, status: 200, principal: principal.clientId, bodySha256: null }
    ])
    expect(items[0]?.tokenId).toBe(items[1]?.tokenId)
    const whole = JSON.stringify(await readLog(origin))
    for (const secret of [body.access_token, userToken, principal.clientSecret, 'doau']) {
      expect(whole).not.toContain(secret)
    }
  })

  test('tokens of one sign-in share a familyId', async () => {
    const since = new Date().toISOString()
    const tokens = await signIn(origin)
    await api(origin, me, tokens.access_token)
    const items = (await readLog(origin, since)).filter(({ familyId }) => familyId !== null)
    expect(items.map(({ path }) => path)).toEqual(['/oidc/v1/token', me])
    expect(new Set(items.map(({ familyId }) => familyId)).size).toBe(1)
  })
})
