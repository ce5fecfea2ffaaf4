import OpenAI, {
  APIError,
  AuthenticationError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError
} from 'openai'
import { describe, expect, test } from 'vitest'
import { failureOf, messages, misspelt, question, type World } from './clients-world.ts'

interface Address {
  readonly base?: string
  readonly fabric?: string
  readonly key?: string
  readonly maxRetries?: number
}

export function openaiSuite(world: () => World): void {
  const clientOf = ({ base, fabric = world().seeded, key, maxRetries = 0 }: Address = {}) =>
    new OpenAI({
      baseURL: `${base ?? `${world().stack.weft}/fabrics/${fabric}`}/serving-endpoints`,
      apiKey: key ?? world().stack.serviceKey,
      maxRetries
    })
  const chat = (address?: Address, model = world().stack.endpoint) =>
    clientOf(address).chat.completions.create({ model, messages })
  async function streamed(client: OpenAI) {
    const model = world().stack.endpoint
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    const parts: string[] = []
    let finish: string | null | undefined
    for await (const { choices } of stream) {
      parts.push(choices[0]?.delta.content ?? '')
      finish = choices[0]?.finish_reason
    }
    return { parts, text: parts.join(''), finish }
  }

  describe('openai with a service key', () => {
    test('gets a chat completion whole', async () => {
      const completion = await chat()
      expect(completion.object).toBe('chat.completion')
      expect(completion.choices[0]?.message.content).toContain(question)
      expect(completion.choices[0]?.finish_reason).toBe('stop')
    })

    test('gets a chat completion streamed, chunk by chunk to its finish', async () => {
      const { parts, text, finish } = await streamed(clientOf())
      expect(parts.length).toBeGreaterThan(5)
      expect(text).toContain(question)
      expect(finish).toBe('stop')
    })

    test('gets embeddings', async () => {
      const { data } = await clientOf().embeddings.create({
        model: 'databricks-embed',
        input: ['warp', 'weft'],
        encoding_format: 'float'
      })
      expect(data.map(({ index }) => index)).toEqual([0, 1])
      expect(data[0]?.embedding.length).toBeGreaterThan(1)
      expect(data[0]?.embedding).not.toEqual(data[1]?.embedding)
    })

    test('gets a completion', async () => {
      const { endpoint: model } = world().stack
      const { choices } = await clientOf().completions.create({ model, prompt: question })
      expect(choices[0]?.text).toContain(question)
    })

    test('gets a response of the Responses API, whole and streamed', async () => {
      const { endpoint: model } = world().stack
      const response = await clientOf().responses.create({ model, input: question })
      expect(response.output_text).toContain(question)
      const stream = clientOf().responses.stream({ model, input: question })
      expect((await stream.finalResponse()).output_text).toContain(question)
    })

    test('acts as the service principal of the fabric', async () => {
      const asked = clientOf().chat.completions.create({ model: 'whoami', messages })
      const { data, response } = await asked.withResponse()
      expect(response.headers.get('x-weft-identity')).toBe('service_principal')
      expect(data.choices[0]?.message.content).toMatch(/^[0-9a-f-]{36}$/)
    })
  })

  describe('openai with a service account’s token', () => {
    async function tokenOf(id: string, key: string): Promise<string> {
      const answer = await fetch(`${world().stack.weft}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${id}:${key}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' })
      })
      return JSON.parse(await answer.text()).access_token
    }

    test('queries at the fabric’s path and at its host', async () => {
      const { serviceAccountId, serviceKey, fabricHost: base } = world().stack
      const key = await tokenOf(serviceAccountId, serviceKey)
      for (const address of [{ key }, { key, base }]) {
        expect((await streamed(clientOf(address))).text).toContain(question)
      }
    })

    test('is refused with the key that it was got with, on the very next call', async () => {
      const account = await world().account([{ fabricId: world().seeded }])
      const key = await tokenOf(account.id, account.key)
      expect((await chat({ key })).choices).toHaveLength(1)
      await account.revoke()
      expect(await failureOf(chat({ key }))).toBeInstanceOf(AuthenticationError)
    })
  })

  describe('openai tells what goes wrong by its own errors', () => {
    function expectProblem(
      error: unknown,
      kind: abstract new (...args: never[]) => APIError,
      status: number,
      code: string
    ) {
      expect(error).toBeInstanceOf(kind)
      if (!(error instanceof APIError)) return
      expect([error.status, error.code]).toEqual([status, code])
      expect(error.message).toMatch(/^\d{3} \w+ \w+/)
      expect(error.headers?.get('x-weft-problem')).toBe(code)
      expect(error.requestID).toBe(error.headers?.get('x-request-id'))
    }

    test('403 endpoint_not_allowed for an endpoint that the fabric does not list', async () => {
      const { id: fabric } = await world().fabric({ endpointAllowList: ['databricks-llama'] })
      const key = await world().key([{ fabricId: fabric }])
      const error = await failureOf(chat({ fabric, key }, 'whoami'))
      expectProblem(error, PermissionDeniedError, 403, 'endpoint_not_allowed')
      expect((await chat({ fabric, key }, 'databricks-llama')).choices).toHaveLength(1)
    })

    test('404 not_found for a fabric that does not exist', async () => {
      const error = await failureOf(chat({ fabric: `fab_${'0'.repeat(26)}` }))
      expectProblem(error, NotFoundError, 404, 'not_found')
    })

    test('401 unauthenticated for a wrong key, before a stream begins too', async () => {
      const address = { key: misspelt(world().stack.serviceKey) }
      for (const work of [chat(address), streamed(clientOf(address))]) {
        expectProblem(await failureOf(work), AuthenticationError, 401, 'unauthenticated')
      }
    })

    test('409 service_principal_missing, which it does not try again in vain', async () => {
      const { id: fabric } = await world().fabric({ servicePrincipal: undefined })
      const key = await world().key([{ fabricId: fabric }])
      let asked = 0
      const client = clientOf({ fabric, key, maxRetries: 2 }).withOptions({
        fetch: (url, init) => {
          asked += 1
          return fetch(url, init)
        }
      })
      const error = await failureOf(
        client.chat.completions.create({ model: world().stack.endpoint, messages })
      )
      expectProblem(error, ConflictError, 409, 'service_principal_missing')
      expect(asked).toBe(1)
    })

    test('429 rate_limited, with when to come again', async () => {
      const key = await world().key([{ fabricId: world().seeded, requestsPerMinute: 1 }])
      expect((await chat({ key })).choices).toHaveLength(1)
      const error = await failureOf(chat({ key }))
      expectProblem(error, RateLimitError, 429, 'rate_limited')
      if (!(error instanceof APIError)) return
      expect(Number(error.headers?.get('retry-after'))).toBeGreaterThan(50)
      expect(error.headers?.get('x-should-retry')).toBeNull()
    })

    test("the workspace's own 404 passes as it is and is not marked as Weft's", async () => {
      const error = await failureOf(chat({}, 'no-such-endpoint'))
      expect(error).toBeInstanceOf(NotFoundError)
      if (!(error instanceof APIError)) return
      expect(error.headers?.get('x-weft-problem')).toBeNull()
      expect(error.message).toContain("Endpoint with name 'no-such-endpoint' does not exist.")
    })
  })
}
