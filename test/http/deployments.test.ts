import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { asId } from '../../src/base/ids.ts'
import type { RunView } from '../../src/fabrics/deployments/deployments.ts'
import { anId, appWith, browser, fabricId, tokens } from './fakes.ts'
import { answerOf, listen, open } from './sockets.ts'

const headers = browser(tokens.admin)
const path = `/api/v1/fabrics/${fabricId}/deployments`
const run: RunView = {
  runId: '9007199254740993',
  jobId: '7',
  state: 'running',
  message: 'Is running',
  isOver: false,
  cause: null,
  pageUrl: 'https://adb-1.azuredatabricks.net/jobs/7/runs/9007199254740993',
  runAs: 'client',
  trigger: 'ONE_TIME',
  startedAt: new Date(0),
  endedAt: null,
  tasks: [{ taskKey: 'main', runId: '8', state: 'running' }]
}
const over: RunView = { ...run, state: 'succeeded', message: 'Ended well', isOver: true }
const json = (value: unknown) => JSON.parse(JSON.stringify(value))
const deployment = {
  id: asId('deployment', anId('deployment')),
  fabricId: asId('fabric', fabricId),
  name: 'nightly',
  state: 'deployed',
  detail: 'Runs as the service principal',
  workspaceUrl: 'https://adb-1.azuredatabricks.net',
  jobId: '7',
  jobUrl: 'https://adb-1.azuredatabricks.net/jobs/7',
  servicePrincipal: 'client',
  schedule: null,
  specHash: 'hash',
  deployedBy: 'usr_1',
  deployedAt: new Date(0),
  createdAt: new Date(0),
  leftBehind: [],
  job: { status: 'changed', changed: ['tasks'], detail: 'd', code: null, owner: null },
  spec: { settings: { tasks: [{ task_key: 'a', any: { thing: [1, null] } }] }, jobSize: null }
} as const

describe('deployments', () => {
  test('200 for a deployment, its settings handed on as they came', async () => {
    const inputs: unknown[] = []
    const { app } = await appWith({
      deployments: {
        put: async (_scope, id, name, input) => {
          inputs.push([id, name, input])
          return deployment
        }
      }
    })
    const payload = { settings: { tasks: [{ task_key: 'a', any: { thing: [1, null] } }] } }
    const answer = await app.inject({ method: 'PUT', url: `${path}/nightly`, headers, payload })
    expect([answer.statusCode, answer.json()]).toEqual([200, json(deployment)])
    expect(inputs).toEqual([[fabricId, 'nightly', payload]])
    await app.close()
  })

  test.each([
    ['no tasks', { settings: {} }],
    ['empty tasks', { settings: { tasks: [] } }],
    ['settings that are none', { settings: [] }],
    ['an unknown member', { settings: { tasks: [{}] }, runAs: 'me' }],
    ['a schedule without a time zone', { settings: { tasks: [{}] }, schedule: {} }]
  ])('400 for %s', async (_, payload) => {
    const { app } = await appWith()
    const answer = await app.inject({ method: 'PUT', url: `${path}/nightly`, headers, payload })
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request'])
    await app.close()
  })

  test.each(['.hidden', 'a b', 'x'.repeat(64), '%2e%2e'])('404 for the name %j', async (name) => {
    const { app } = await appWith()
    const url = `${path}/${encodeURIComponent(name)}`
    const answer = await app.inject({ url, headers })
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'not_found'])
    await app.close()
  })

  test('204 once deleted; forgotten only where that is said', async () => {
    const options: unknown[] = []
    const { app } = await appWith({
      deployments: { remove: async (_scope, _id, _name, given) => void options.push(given) }
    })
    for (const query of ['', '?forget=false', '?forget=true']) {
      const url = `${path}/nightly${query}`
      expect((await app.inject({ method: 'DELETE', url, headers })).statusCode).toBe(204)
    }
    expect(options.map((one) => Object.values(one as object)[0])).toEqual([false, false, true])
    await app.close()
  })

  test('201 for a run, with the key for the workspace; the body may be left out', async () => {
    const runs: unknown[] = []
    const { app } = await appWith({
      deployments: {
        startRun: async (_scope, _id, _name, given) => {
          runs.push(given)
          return run
        }
      }
    })
    const url = `${path}/nightly/runs`
    const bare = await app.inject({ method: 'POST', url, headers })
    expect([bare.statusCode, bare.json()]).toEqual([201, json(run)])
    const keyed = { ...headers, 'idempotency-key': 'key-1' }
    const payload = { parameters: { day: 'monday' } }
    await app.inject({ method: 'POST', url, headers: keyed, payload })
    const wrong = { parameters: { day: 1 } }
    expect((await app.inject({ method: 'POST', url, headers, payload: wrong })).statusCode).toBe(
      400
    )
    expect(runs).toEqual([
      { parameters: {}, idempotencyKey: null },
      { parameters: { day: 'monday' }, idempotencyKey: 'key-1' }
    ])
    await app.close()
  })
})

describe('GET …/runs/{runId}', () => {
  const url = `${path}/nightly/runs/${run.runId}`
  const events = { ...headers, accept: 'text/event-stream' }

  test('200 as it is now', async () => {
    const { app } = await appWith({ deployments: { getRun: async () => run } })
    const answer = await app.inject({ url, headers })
    expect([answer.statusCode, answer.json()]).toEqual([200, json(run)])
    await app.close()
  })

  test('200 as events until its end', async () => {
    const { app } = await appWith({
      deployments: {
        followRun: async (_scope, _run, onChange) => {
          onChange(run)
          return over
        }
      }
    })
    const answer = await app.inject({ url, headers: events })
    const shown = [
      `event: step\ndata: ${JSON.stringify(run)}`,
      `event: result\ndata: ${JSON.stringify(over)}`
    ]
    expect(answer.body).toBe(`${shown.join('\n\n')}\n\n`)
    await app.close()
  })

  test('a client that leaves ends it', async () => {
    const arrived = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    const { app } = await appWith({
      deployments: {
        followRun: (_scope, _run, onChange, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              ended.resolve()
              reject(new AppError('upstream_timeout'))
            })
            onChange(run)
            arrived.resolve()
          })
      }
    })
    const req = open(await listen(app), { path: url, headers: events })
    req.on('error', () => {})
    req.end()
    await arrived.promise
    req.destroy()
    await ended.promise
    await app.close()
  })

  test('A13 one who may no longer is told so and cut off', async () => {
    const watched = Promise.withResolvers<{
      recheck: () => Promise<unknown>
      end: (why: AppError) => void
    }>()
    const asked: unknown[] = []
    const { app } = await appWith({
      identity: {
        openCalls: {
          open: (_scope, recheck, end) => {
            watched.resolve({ recheck, end })
            return () => {}
          },
          review: async () => {}
        }
      },
      deployments: {
        recheck: async (scope, id) => {
          asked.push(scope.actor.id, id)
          throw new AppError('not_found')
        },
        followRun: (_scope, _run, onChange, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new AppError('upstream_timeout')))
            onChange(run)
          })
      }
    })
    const req = open(await listen(app), { path: url, headers: events })
    req.end()
    const res = await answerOf(req)
    const { recheck, end } = await watched.promise
    await recheck().catch((why) => end(why))
    let text = ''
    for await (const chunk of res) text += chunk
    expect(text).toMatch(/^event: step\n.*\n\nevent: problem\ndata: \{.*"not_found"/)
    expect(asked).toContain(fabricId)
    await app.close()
  })
})
