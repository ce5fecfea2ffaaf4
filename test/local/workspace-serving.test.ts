import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  principal,
  readLog,
  resetFaults,
  setFaults,
  signIn,
  startWorkspace
} from './workspace-support.ts'

const _me = '/api/2.0/preview/scim/v2/Me'
let workspace: RunningDatabricks
let origin: string
let userToken: string
let machine: string
beforeAll(async () => {
  workspace = await startWorkspace()
  origin = workspace.url
  userToken = (await signIn(origin)).access_token
  machine = (await machineToken(origin, principal)).body.access_token
})
afterEach(() => resetFaults(origin))
afterAll(() => workspace.stop())

describe('serving', () => {
  const ask = (name: string, body: object, token = machine) =>
    api<Record<string, never>>(origin, `/serving-endpoints/${name}/invocations`, token, { body })
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'Hello there' }] }]

  test('chat depends on what was asked; whoami on who asks', async () => {
    expect((await ask('databricks-llama', { messages })).body).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'You said: Hello there' } }]
    })
    for (const [token, userName] of [
      [userToken, 'dev@acme.test'],
      [machine, principal.clientId]
    ] as const) {
      expect((await ask('whoami', { messages }, token)).body).toMatchObject({
        choices: [{ message: { content: userName } }]
      })
    }
  })

  test('a stream is chunks that add up to the answer, then [DONE]', async () => {
    const answer = await fetch(`${origin}/serving-endpoints/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machine}` },
      body: JSON.stringify({ model: 'databricks-llama', messages, stream: true })
    })
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const events = (await answer.text()).split('\n\n').filter(Boolean)
    expect(events.at(-1)).toBe('data: [DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
    expect(chunks.map((chunk) => chunk.choices[0].delta.content).join('')).toBe(
      'You said: Hello there'
    )
    expect(chunks.at(-1).choices[0].finish_reason).toBe('stop')
  })

  test('embeddings, completions, responses and predictions', async () => {
    const post = (path: string, body: object) =>
      api<Record<string, never>>(origin, `/serving-endpoints/${path}`, machine, { body })
    const two = await post('embeddings', { model: 'databricks-embed', input: ['a', 'b'] })
    expect(two.body).toMatchObject({ object: 'list', data: [{ index: 0 }, { index: 1 }] })
    const text = await post('completions', { model: 'databricks-llama', prompt: 'Hi' })
    expect(text.body).toMatchObject({ choices: [{ text: 'You said: Hi' }] })
    const reply = await post('responses', { model: 'databricks-llama', input: 'Hi' })
    expect(reply.body).toMatchObject({ output: [{ content: [{ text: 'You said: Hi' }] }] })
    const split = { columns: ['age'], data: [[1], [2]] }
    const { body } = await ask('churn-model', { dataframe_split: split })
    expect(body.predictions).toHaveLength(2)
  })

  test('missing 404, forbidden 403 PERMISSION_DENIED, unfit input 400', async () => {
    expect(await ask('no-such', { messages })).toMatchObject({
      status: 404,
      body: { message: "Endpoint with name 'no-such' does not exist." }
    })
    expect(await ask('forbidden-model', { inputs: [1] })).toMatchObject({
      status: 403,
      body: { error_code: 'PERMISSION_DENIED' }
    })
    expect((await ask('churn-model', { nonsense: true })).status).toBe(400)
  })

  test('coldStartMs holds the first requests, and only those', async () => {
    await setFaults(origin, { coldStartMs: 200 })
    const timed = async () => {
      const startedAt = performance.now()
      await ask('churn-model', { inputs: [1] })
      return performance.now() - startedAt
    }
    const [first, second] = await Promise.all([timed(), timed()])
    expect(Math.min(first, second)).toBeGreaterThan(190)
    expect(await timed()).toBeLessThan(150)
  })

  test('streamCutAfterEvents cuts the connection, which is not the client leaving', async () => {
    await setFaults(origin, { streamCutAfterEvents: 2 })
    const since = new Date().toISOString()
    const answer = await fetch(`${origin}/serving-endpoints/databricks-llama/invocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machine}` },
      body: JSON.stringify({ messages, stream: true })
    })
    await expect(answer.text()).rejects.toThrow()
    expect((await readLog(origin, since)).at(-1)).toMatchObject({ status: 200, aborted: false })
  })

  test.each([
    ['before the headers', { coldStartMs: 2000 }],
    ['in mid-stream', { streamEventDelayMs: 500 }]
  ])('F37 a client that leaves %s is seen within 200 ms', async (_when, faults) => {
    await setFaults(origin, faults)
    const since = new Date().toISOString()
    const leave = new AbortController()
    const answer = fetch(`${origin}/serving-endpoints/databricks-llama/invocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machine}` },
      body: JSON.stringify({ messages, stream: true }),
      signal: leave.signal
    }).then((response) => response.text())
    await expect.poll(async () => (await readLog(origin, since)).length).toBe(1)
    await pause(50)
    leave.abort()
    await expect(answer).rejects.toThrow()
    await expect
      .poll(async () => (await readLog(origin, since))[0]?.aborted, { timeout: 200, interval: 20 })
      .toBe(true)
  })
})
