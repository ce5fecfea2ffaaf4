import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StartedStack, startStack } from '../support/stack.ts'
import { openTenancy, type Tenancy } from './tenancy.ts'

let stack: StartedStack
let tenancy: Tenancy

beforeAll(async () => {
  stack = await startStack()
  tenancy = await openTenancy(stack)
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

const messages = [{ role: 'user' as const, content: 'Which thread runs across the warp?' }]

function clientOf({ fabric = stack.fabrics[0]?.id ?? '', key = stack.serviceKey } = {}) {
  const baseURL = `${stack.weft}/fabrics/${fabric}/serving-endpoints`
  return new OpenAI({ baseURL, apiKey: key, maxRetries: 0 })
}

describe('an unmodified openai client with a service key', () => {
  test('gets a chat completion whole', async () => {
    const completion = await clientOf().chat.completions.create({ model: stack.endpoint, messages })
    expect(completion.object).toBe('chat.completion')
    expect(completion.choices[0]?.message.content).toContain(messages[0]?.content)
    expect(completion.choices[0]?.finish_reason).toBe('stop')
  })

  test('gets a chat completion streamed, chunk by chunk to its finish', async () => {
    const stream = await clientOf().chat.completions.create({
      model: stack.endpoint,
      messages,
      stream: true
    })
    const parts: string[] = []
    let finish: string | null | undefined
    for await (const { choices } of stream) {
      parts.push(choices[0]?.delta.content ?? '')
      finish = choices[0]?.finish_reason
    }
    expect(parts.length).toBeGreaterThan(5)
    expect(parts.join('')).toContain(messages[0]?.content)
    expect(finish).toBe('stop')
  })

  test('gets embeddings', async () => {
    const input = ['warp', 'weft']
    const { data } = await clientOf().embeddings.create({
      model: 'databricks-embed',
      input,
      encoding_format: 'float'
    })
    expect(data.map(({ index }) => index)).toEqual([0, 1])
    expect(data[0]?.embedding.length).toBeGreaterThan(1)
    expect(data[0]?.embedding).not.toEqual(data[1]?.embedding)
  })

  test('gets a response of the Responses API', async () => {
    const response = await clientOf().responses.create({ model: stack.endpoint, input: 'Hello' })
    expect(response.output_text).toContain('Hello')
  })

  test('acts as the service principal of the fabric', async () => {
    const { data, response } = await clientOf()
      .chat.completions.create({ model: 'whoami', messages })
      .withResponse()
    expect(response.headers.get('x-weft-identity')).toBe('service_principal')
    expect(data.choices[0]?.message.content).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('what goes wrong is told in a form that clients read', () => {
  /** What the client threw, and the body that it threw it for. */
  async function failureOf(options: { fabric?: string; key?: string; model?: string }) {
    let body: Record<string, unknown> = {}
    const client = clientOf(options).withOptions({
      fetch: async (url, init) => {
        const answer = await fetch(url, init)
        body = JSON.parse(await answer.clone().text())
        return answer
      }
    })
    const asked = client.chat.completions.create({
      model: options.model ?? stack.endpoint,
      messages
    })
    const error = await asked.then(
      () => null,
      (thrown: unknown) => thrown
    )
    if (!(error instanceof APIError)) throw new TypeError(`not an APIError: ${error}`)
    return { error, body }
  }

  function expectProblem(
    { error, body }: Awaited<ReturnType<typeof failureOf>>,
    status: number,
    code: string
  ) {
    expect(error.status).toBe(status)
    expect(error.headers?.get('x-weft-problem')).toBe(code)
    expect(error.requestID).toBe(error.headers?.get('x-request-id'))
    expect(body).toMatchObject({ status, code, error_code: code })
    expect(String(body.message)).toMatch(/\w{3,}/)
    expect(String(body.type)).toBe(`${stack.weft}/problems/${code}`)
  }

  test('403 endpoint_not_allowed for an endpoint that the fabric does not list', async () => {
    const { id } = await tenancy.fabric({ endpointAllowList: ['databricks-llama'] })
    const key = await tenancy.key([{ fabricId: id }])
    expectProblem(
      await failureOf({ fabric: id, key, model: 'whoami' }),
      403,
      'endpoint_not_allowed'
    )
    const allowed = await clientOf({ fabric: id, key }).chat.completions.create({
      model: 'databricks-llama',
      messages
    })
    expect(allowed.choices).toHaveLength(1)
  })

  test('404 not_found for a fabric that does not exist', async () => {
    const fabric = `fab_${'0'.repeat(26)}`
    expectProblem(await failureOf({ fabric }), 404, 'not_found')
  })

  test('401 unauthenticated for a wrong key', async () => {
    const last = stack.serviceKey.at(-1) === 'a' ? 'b' : 'a'
    const key = `${stack.serviceKey.slice(0, -1)}${last}`
    expectProblem(await failureOf({ key }), 401, 'unauthenticated')
  })

  test("the workspace's own 404 passes as it is and is not marked as Weft's", async () => {
    const { error, body } = await failureOf({ model: 'no-such-endpoint' })
    expect(error.status).toBe(404)
    expect(error.headers?.get('x-weft-problem')).toBeNull()
    expect(body).toMatchObject({ error_code: 'RESOURCE_DOES_NOT_EXIST' })
  })
})
