import { createDatabricksProvider } from '@databricks/ai-sdk-provider'
import { WorkspaceClient } from '@databricks/sdk-experimental'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import { machineToken, principal, startWorkspace } from './workspace-support.ts'

let workspace: RunningDatabricks
let token: string
let openai: OpenAI
beforeAll(async () => {
  workspace = await startWorkspace()
  token = (await machineToken(workspace.url, principal)).body.access_token
  const baseURL = `${workspace.url}/serving-endpoints`
  openai = new OpenAI({ baseURL, apiKey: token, maxRetries: 0 })
})
afterAll(() => workspace.stop())

const model = 'databricks-llama'
const messages = [{ role: 'user' as const, content: 'two words' }]

describe('openai', () => {
  test('chat tells the tokens of prompt and reply', async () => {
    const { usage } = await openai.chat.completions.create({ model, messages })
    expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 })
  })

  test('each chunk of a streamed chat tells the usage so far', async () => {
    const stream = await openai.chat.completions.create({ model, messages, stream: true })
    const counts: (number | undefined)[] = []
    for await (const { usage } of stream) counts.push(usage?.completion_tokens)
    expect(counts).toEqual([0, 1, 2, 3, 4, 4])
  })

  test('max_tokens ends a reply with length', async () => {
    const { choices } = await openai.chat.completions.create({ model, messages, max_tokens: 2 })
    expect(choices).toMatchObject([{ finish_reason: 'length', message: { content: 'You said:' } }])
  })

  test('completions, whole and streamed', async () => {
    const prompt = 'two words'
    const whole = await openai.completions.create({ model, prompt })
    expect(whole).toMatchObject({ object: 'text_completion', usage: { total_tokens: 6 } })
    const stream = await openai.completions.create({ model, prompt, stream: true })
    let text = ''
    for await (const { choices } of stream) text += choices[0]?.text ?? ''
    expect(text).toBe(whole.choices[0]?.text)
  })

  test('embeddings as numbers and as base64 are the same', async () => {
    const ask = (encoding_format: 'float' | 'base64') =>
      openai.embeddings.create({ model: 'databricks-embed', input: ['a', 'b'], encoding_format })
    const [plain, coded] = [await ask('float'), await ask('base64')]
    const decoded = coded.data.map(({ embedding }): number[] => {
      const bytes = Buffer.from(String(embedding), 'base64')
      return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index))
    })
    expect(decoded).toEqual(plain.data.map(({ embedding }) => embedding))
    expect(plain.usage).toEqual({ prompt_tokens: 2, total_tokens: 2 })
  })

  test('responses tell their usage', async () => {
    const response = await openai.responses.create({ model, input: 'two words' })
    expect(response.output_text).toBe('You said: two words')
    expect(response.usage).toMatchObject({ input_tokens: 2, output_tokens: 4, total_tokens: 6 })
  })

  test('a streamed response is made of events that the client puts together', async () => {
    const stream = openai.responses.stream({ model, input: 'two words' })
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('You said: two words')
    expect(response.usage?.total_tokens).toBe(6)
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
  })
})

describe('@databricks/ai-sdk-provider', () => {
  const prompt = [
    { role: 'user' as const, content: [{ type: 'text' as const, text: 'two words' }] }
  ]
  const provider = () =>
    createDatabricksProvider({
      baseURL: `${workspace.url}/serving-endpoints`,
      headers: { authorization: `Bearer ${token}` }
    })
  const models = {
    chatCompletions: () => provider().chatCompletions(model),
    responses: () => provider().responses(model),
    'responses of an agent': () => provider().responses('helpdesk-agent'),
    chatAgent: () => provider().chatAgent('helpdesk-agent')
  }

  test.each(Object.entries(models))('%s, whole and streamed', async (_name, create) => {
    const { content } = await create().doGenerate({ prompt })
    expect(content).toMatchObject([{ type: 'text', text: 'You said: two words' }])
    const { stream } = await create().doStream({ prompt })
    let text = ''
    const types: string[] = []
    for await (const part of stream) {
      types.push(part.type)
      if (part.type === 'text-delta') text += part.delta
    }
    expect(text).toBe('You said: two words')
    expect(types).not.toContain('error')
    expect(types.at(-1)).toBe('finish')
  })

  test('usage of a chat, whole and streamed', async () => {
    const whole = await provider().chatCompletions(model).doGenerate({ prompt })
    expect(whole.usage).toMatchObject({ inputTokens: { total: 2 }, outputTokens: { total: 4 } })
    const { stream } = await provider().chatCompletions(model).doStream({ prompt })
    for await (const part of stream) {
      if (part.type === 'finish') expect(part.usage).toEqual(whole.usage)
    }
  })
})

describe('@databricks/sdk-experimental', () => {
  const client = () => {
    const { clientId, clientSecret } = principal
    return new WorkspaceClient({
      host: workspace.url,
      clientId,
      clientSecret,
      authType: 'oauth-m2m'
    })
  }

  test('logs in by itself, lists endpoints, queries one, runs a statement', async () => {
    const names: (string | undefined)[] = []
    for await (const { name } of client().servingEndpoints.list()) names.push(name)
    expect(names).toContain('fast-model')
    const { choices } = await client().servingEndpoints.query({
      name: model,
      messages: [{ role: 'user', content: 'two words' }]
    })
    expect(choices?.[0]?.message?.content).toBe('You said: two words')
    const { result } = await client().statementExecution.executeStatement({
      warehouse_id: workspace.compute.runningWarehouseId,
      statement: 'SELECT 1'
    })
    expect(result?.data_array).toEqual([['1']])
  })

  test('makes a job, runs it and reads how it ended', async () => {
    const tasks = [{ task_key: 'main', notebook_task: { notebook_path: '/nightly' } }]
    const { job_id: jobId = 0 } = await client().jobs.create({ name: 'nightly', tasks })
    const { run_id: runId = 0 } = await client().jobs.runNow({ job_id: jobId })
    const state = async () => (await client().jobs.getRun({ run_id: runId })).state
    await expect.poll(state).toMatchObject({ result_state: 'SUCCESS' })
  })

  test('runs a command in a context', async () => {
    const clusterId = workspace.compute.runningClusterId
    const commands = client().commandExecution
    const { id: contextId = '' } = await commands.create({ clusterId, language: 'python' })
    const command = { clusterId, contextId, language: 'python' as const, command: "print('x')" }
    const { id: commandId = '' } = await commands.execute(command)
    await expect
      .poll(() => commands.commandStatus({ clusterId, contextId, commandId }))
      .toMatchObject({ status: 'Finished', results: { data: 'x' } })
  })
})
