import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { Fabrics } from '../../src/fabrics/fabrics.ts'
import type { TestResult, TestStepResult } from '../../src/fabrics/test-results.ts'
import { anId, appWith, browser, fabricId, tokens } from './fakes.ts'
import { answerOf, listen, open } from './sockets.ts'

const step = (name: TestStepResult['step']): TestStepResult => ({
  step: name,
  status: 'passed',
  durationMs: 3
})
const result: TestResult = {
  ok: false,
  identity: null,
  steps: [
    step('host'),
    { step: 'token', status: 'failed', code: 'sign_in_needed', owner: 'caller', durationMs: 1 }
  ]
}
const headers = browser(tokens.admin)
const url = `/api/v1/fabrics/${fabricId}/test-connection`
const run: Fabrics['testConnection'] = async (_scope, _id, _as, { onStep }) => {
  for (const each of result.steps) onStep(each)
  return result
}

describe('POST …/test-connection', () => {
  test('200 with all steps', async () => {
    const { app } = await appWith({ fabrics: { testConnection: run } })
    const answer = await app.inject({ method: 'POST', url, headers, payload: { as: 'user' } })
    expect([answer.statusCode, answer.json()]).toEqual([200, result])
    await app.close()
  })

  test('200 before saving, with the fabric in the body', async () => {
    const inputs: unknown[] = []
    const { app } = await appWith({
      fabrics: {
        testUnsaved: async (_scope, input, as) => {
          inputs.push(input, as)
          return result
        }
      }
    })
    const payload = {
      name: 'Lake',
      teamId: anId('team'),
      kind: 'spark',
      provider: 'databricks',
      authMethod: 'oauth',
      workspaceUrl: 'https://adb-1.azuredatabricks.net'
    }
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/fabrics/test-connection',
      headers,
      payload: { ...payload, as: 'service_principal' }
    })
    expect([answer.statusCode, inputs]).toEqual([200, [payload, 'service_principal']])
    await app.close()
  })

  test('200 as events, each as its step ends', async () => {
    const go: (() => void)[] = []
    const { app } = await appWith({
      fabrics: {
        testConnection: async (_scope, _id, _as, { onStep }) => {
          for (const each of result.steps) {
            onStep(each)
            await new Promise<void>((resolve) => go.push(resolve))
          }
          return result
        }
      }
    })
    const port = await listen(app)
    const events = { ...headers, accept: 'text/event-stream', 'content-type': 'application/json' }
    const req = open(port, { method: 'POST', path: url, headers: events })
    req.end('{"as":"user"}')
    const res = await answerOf(req)
    expect(res.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'req-00000001'
    })
    const chunks = res[Symbol.asyncIterator]()
    const next = async () => String((await chunks.next()).value)
    expect(await next()).toBe(`event: step\ndata: ${JSON.stringify(result.steps[0])}\n\n`)
    go.shift()?.()
    expect(await next()).toBe(`event: step\ndata: ${JSON.stringify(result.steps[1])}\n\n`)
    go.shift()?.()
    expect(await next()).toBe(`event: result\ndata: ${JSON.stringify(result)}\n\n`)
    expect((await chunks.next()).done).toBe(true)
    await app.close()
  })

  test('a problem before the first step is an answer of its own; after it, an event', async () => {
    const { app } = await appWith({
      fabrics: {
        testConnection: async (_scope, _id, as, { onStep }) => {
          if (as === 'service_principal') onStep(step('host'))
          throw new AppError('workspace_unreachable')
        }
      }
    })
    const events = { ...headers, accept: 'text/event-stream' }
    const request = { method: 'POST', url, headers: events } as const
    const before = await app.inject({ ...request, payload: { as: 'user' } })
    expect([before.statusCode, before.json().code]).toEqual([502, 'workspace_unreachable'])
    const after = await app.inject({ ...request, payload: { as: 'service_principal' } })
    expect(after.statusCode).toBe(200)
    expect(after.body).toMatch(
      /^event: step\n.*\n\nevent: problem\ndata: \{.*workspace_unreachable/
    )
    await app.close()
  })

  test('a client that leaves ends the test', async () => {
    let isAborted = false
    let arrive: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const { app } = await appWith({
      fabrics: {
        testConnection: (_scope, _id, _as, _onStep, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              isAborted = true
              reject(new AppError('upstream_timeout'))
            })
            arrive()
          })
      }
    })
    const port = await listen(app)
    const type = { ...headers, 'content-type': 'application/json' }
    const req = open(port, { method: 'POST', path: url, headers: type })
    req.on('error', () => {})
    req.end('{"as":"user"}')
    await arrived
    req.destroy()
    await expect.poll(() => isAborted).toBe(true)
    await app.close()
  })
})
