import { describe, expect, test } from 'vitest'
import type { AppConnections, Verification } from '../../src/app-connections/app-connections.ts'
import { anId, appWith, browser, now, tokens } from './fakes.ts'

const id = anId('appConnection')
const url = `/api/v1/app-connections/${id}/verify`
const headers = browser(tokens.admin)
const result: Verification = {
  ok: false,
  workspaceHost: 'adb-1.azuredatabricks.net',
  checkedAt: now,
  steps: [
    { step: 'settings', status: 'passed', durationMs: 0 },
    {
      step: 'client_id',
      status: 'failed',
      code: 'app_connection_refused',
      detail: 'Unknown',
      owner: 'tenant_admin',
      action: { text: 'Copy it', url: 'https://accounts.azuredatabricks.net', value: 'x' },
      durationMs: 7
    }
  ]
}
const inputs: unknown[] = []
const verify: AppConnections['verify'] = async (_scope, _id, input, onStep) => {
  inputs.push(input)
  for (const step of result.steps) onStep(step)
  return result
}

describe('POST …/verify', () => {
  test('200 with all steps, with or without a workspace named', async () => {
    const { app } = await appWith({ appConnections: { verify } })
    inputs.length = 0
    const told = { ...result, checkedAt: now.toISOString() }
    for (const payload of [{ workspaceUrl: 'https://adb-1.azuredatabricks.net' }, {}]) {
      const answer = await app.inject({ method: 'POST', url, headers, payload })
      expect([answer.statusCode, answer.json()]).toEqual([200, told])
    }
    expect(inputs).toEqual([{ workspaceUrl: 'https://adb-1.azuredatabricks.net' }, {}])
    expect((await app.inject({ method: 'POST', url, headers })).statusCode).toBe(200)
    await app.close()
  })

  test('200 as events, each as its step ends', async () => {
    const { app } = await appWith({ appConnections: { verify } })
    const events = { ...headers, accept: 'text/event-stream' }
    const answer = await app.inject({ method: 'POST', url, headers: events, payload: {} })
    expect(answer.body.match(/^event: .*$/gm)).toEqual([
      'event: step',
      'event: step',
      'event: result'
    ])
    await app.close()
  })

  test('400 for anything else in the body, 403 for a member', async () => {
    const { app } = await appWith()
    const ask = (payload: object, by: string) =>
      app.inject({ method: 'POST', url, headers: browser(by), payload })
    expect((await ask({ host: 'x' }, tokens.admin)).json()).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/host' }]
    })
    expect((await ask({}, tokens.member)).statusCode).toBe(403)
    await app.close()
  })
})
