import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  principal,
  resetFaults,
  setFaults,
  startWorkspace
} from './workspace-support.ts'

let workspace: RunningDatabricks
let token: string
beforeAll(async () => {
  workspace = await startWorkspace()
  token = (await machineToken(workspace.url, principal)).body.access_token
})
afterEach(() => resetFaults(workspace.url))
afterAll(() => workspace.stop())

type Json = Record<string, never>
const post = (verb: string, body: object) =>
  api<Json>(workspace.url, `/api/1.2/${verb}`, token, { body })
const get = (verb: string, query: Record<string, string>) =>
  api<Json>(workspace.url, `/api/1.2/${verb}?${new URLSearchParams(query)}`, token)

async function createContext(language = 'python') {
  const clusterId = workspace.compute.runningClusterId
  const { body } = await post('contexts/create', { clusterId, language })
  return { clusterId, contextId: String(body.id) }
}

async function execute(command: string, language = 'python') {
  const context = await createContext(language)
  const { body } = await post('commands/execute', { ...context, language, command })
  return { ...context, commandId: String(body.id) }
}

async function resultsOf(command: string, language?: string): Promise<Json> {
  const ids = await execute(command, language)
  await expect.poll(async () => (await get('commands/status', ids)).body.status).toBe('Finished')
  return (await get('commands/status', ids)).body.results ?? {}
}

describe('contexts', () => {
  test('are created, run, and are gone when destroyed', async () => {
    const context = await createContext()
    expect(context.contextId).toMatch(/^[0-9a-f]{32}$/)
    expect((await get('contexts/status', context)).body).toEqual({
      id: context.contextId,
      status: 'Running'
    })
    expect((await post('contexts/destroy', context)).status).toBe(200)
    expect(await get('contexts/status', context)).toMatchObject({
      status: 500,
      body: { error: expect.stringMatching(/^ContextNotFoundException: /) }
    })
  })

  test('a terminated cluster is 500 ClusterNotReadyException in the 1.2 envelope', async () => {
    const clusterId = workspace.compute.terminatedClusterId
    const answer = await post('contexts/create', { clusterId, language: 'python' })
    expect(answer.status).toBe(500)
    expect(answer.body).toEqual({ error: 'ClusterNotReadyException: Cluster not running' })
  })

  test('a language that no cluster speaks is 400', async () => {
    const clusterId = workspace.compute.runningClusterId
    expect((await post('contexts/create', { clusterId, language: 'cobol' })).status).toBe(400)
  })
})

describe('commands', () => {
  test.each([
    ["print('x')", 'x'],
    ['2 + 3 * (4 - 1) ** 2', '29'],
    ['9007199254740993 * 3', '27021597764222979'],
    ['-7 // 2', '-4'],
    ['-7 % 4', '1'],
    ['7 / 2', '3.5'],
    ["a = 'warp'\nprint(a + ' and weft', 1)", 'warp and weft 1'],
    ["'quoted'", "'quoted'"]
  ])('python %s', async (command, data) => {
    expect(await resultsOf(command)).toEqual({ resultType: 'text', data })
  })

  test('variables outlive a command within their context, and only there', async () => {
    const context = await createContext()
    const ask = async (command: string) => {
      const { body } = await post('commands/execute', { ...context, language: 'python', command })
      const ids = { ...context, commandId: String(body.id) }
      await expect
        .poll(async () => (await get('commands/status', ids)).body.status)
        .toBe('Finished')
      return (await get('commands/status', ids)).body.results
    }
    await ask('thread = 41')
    expect(await ask('thread + 1')).toMatchObject({ data: '42' })
    expect(await resultsOf('thread')).toMatchObject({ resultType: 'error' })
  })

  test('sql SELECT 1 is a table with a schema', async () => {
    expect(await resultsOf('SELECT 1', 'sql')).toEqual({
      resultType: 'table',
      data: [[1]],
      schema: [{ name: '1', type: '"integer"', metadata: '{}' }],
      truncated: false,
      isJsonSchema: true
    })
  })

  test.each([
    ['1 / 0', 'ZeroDivisionError'],
    ["raise ValueError('no')", 'ValueError'],
    ['unheard_of', 'NameError'],
    ['print(', 'SyntaxError']
  ])('an exception is Finished with an error: %s', async (command, name) => {
    const results = await resultsOf(command)
    expect(results).toMatchObject({
      resultType: 'error',
      summary: expect.stringContaining(name),
      cause: expect.stringContaining(`Traceback (most recent call last)\n${name}`)
    })
  })

  test('a command that takes long is Running until it is cancelled', async () => {
    const ids = await execute('import time\ntime.sleep(3600)')
    await expect.poll(async () => (await get('commands/status', ids)).body.status).toBe('Running')
    expect((await post('commands/cancel', ids)).status).toBe(200)
    expect((await get('commands/status', ids)).body).toMatchObject({ status: 'Cancelled' })
  })

  test('commandRunsMs says how long each takes', async () => {
    await setFaults(workspace.url, { commandRunsMs: 0 })
    const ids = await execute('1')
    expect((await get('commands/status', ids)).body.status).toBe('Finished')
  })
})
