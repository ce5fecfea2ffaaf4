import { createHash, randomUUID } from 'node:crypto'
import { isObject } from '../../simulation/exchange.ts'
import { type Answer, type Call, failure, ok } from './answer.ts'
import {
  agentAnswer,
  agentEvents,
  chatAnswer,
  chatEvents,
  completionAnswer,
  completionEvents
} from './chat.ts'
import type { Endpoint } from './endpoints.ts'
import { type Reply, replyOf } from './reply.ts'
import { agentResponseEvents, responseAnswer, responseEvents } from './responses.ts'

type Body = Record<string, unknown>
export type Family = 'any' | 'chat' | 'completions' | 'embeddings' | 'responses'

const embeddingLength = 16

/** What the models behind the endpoints answer, by the family of the request's body. */
export const families: Record<Family, (call: Call, endpoint: Endpoint, body: Body) => Answer> = {
  any(call, endpoint, body) {
    if (Array.isArray(body.messages)) return families.chat(call, endpoint, body)
    if ('prompt' in body) return families.completions(call, endpoint, body)
    if (endpoint.task === 'llm/v1/embeddings') return families.embeddings(call, endpoint, body)
    if (speaks(endpoint) && 'input' in body) return families.responses(call, endpoint, body)
    return predict(call, endpoint, body)
  },
  chat(call, endpoint, body) {
    if (!speaks(endpoint) || !Array.isArray(body.messages)) return unfit(call)
    const reply = answerTo(call, endpoint, body.messages, body.max_tokens)
    const isAgent = endpoint.task === 'agent/v1/chat'
    if (body.stream === true) {
      return streamed(endpoint, isAgent ? agentEvents(reply) : chatEvents(reply, seconds()))
    }
    return served(endpoint, isAgent ? agentAnswer(reply) : chatAnswer(reply, seconds()))
  },
  completions(call, endpoint, body) {
    if (!speaks(endpoint)) return unfit(call)
    if (Array.isArray(body.messages)) return families.chat(call, endpoint, body)
    const reply = answerTo(call, endpoint, [body.prompt].flat(), body.max_tokens)
    if (body.stream === true) return streamed(endpoint, completionEvents(reply, seconds()))
    return served(endpoint, completionAnswer(reply, seconds()))
  },
  embeddings(call, endpoint, body) {
    if (endpoint.task !== 'llm/v1/embeddings' || body.input === undefined) return unfit(call)
    const inputs = [body.input].flat().map(String)
    const tokens = inputs.join(' ').split(/\s+/).length
    const encode = body.encoding_format === 'base64' ? base64Of : (vector: number[]) => vector
    return served(endpoint, {
      object: 'list',
      data: inputs.map((input, index) => {
        return { object: 'embedding', index, embedding: encode(embed(input)) }
      }),
      model: 'gte-large-en-v1.5',
      usage: { prompt_tokens: tokens, total_tokens: tokens }
    })
  },
  responses(call, endpoint, body) {
    if (!speaks(endpoint) || body.input === undefined) return unfit(call)
    const reply = answerTo(call, endpoint, [body.input].flat(), body.max_output_tokens)
    if (body.stream === true) {
      const isAgent = endpoint.task === 'agent/v1/chat'
      const eventsOf = isAgent ? agentResponseEvents : responseEvents
      return streamed(endpoint, eventsOf(reply, seconds()))
    }
    return served(endpoint, responseAnswer(reply, seconds()))
  }
}

function speaks({ task }: Endpoint): boolean {
  return task === 'llm/v1/chat' || task === 'agent/v1/chat'
}

function predict(call: Call, endpoint: Endpoint, body: Body): Answer {
  const rows = rowsOf(body)
  if (!rows) return unfit(call)
  const predictions = rows.map((row) => (endpoint.tellsCaller ? call.caller.userName : score(row)))
  return served(endpoint, { predictions })
}

function rowsOf(body: Body): unknown[] | undefined {
  if (isObject(body.dataframe_split) && Array.isArray(body.dataframe_split.data)) {
    return body.dataframe_split.data
  }
  for (const rows of [body.dataframe_records, body.instances, body.inputs]) {
    if (Array.isArray(rows)) return rows
  }
  return undefined
}

function answerTo(call: Call, endpoint: Endpoint, asked: unknown[], maxTokens: unknown): Reply {
  const said = endpoint.tellsCaller ? call.caller.userName : `You said: ${textOf(asked.at(-1))}`
  return replyOf(said, asked.map(textOf).join(' '), maxTokens)
}

/** A message, its content, or the parts of it: whatever is text in there. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(textOf).join('')
  if (isObject(value)) return textOf(value.content ?? value.text ?? '')
  return ''
}

/** Between 0 and 1, the same for the same row. */
function score(row: unknown): number {
  return digest(JSON.stringify(row)).readUInt16BE(0) / 65_535
}

function embed(input: string): number[] {
  const bytes = digest(input)
  return Array.from({ length: embeddingLength }, (_, index) => bytes.readInt8(index) / 128)
}

/** Little-endian 32-bit floats, as OpenAI's clients ask for and decode them. */
function base64Of(vector: number[]): string {
  return Buffer.from(new Float32Array(vector).buffer).toString('base64')
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}

function seconds(): number {
  return Math.floor(performance.timeOrigin / 1000 + performance.now() / 1000)
}

function served(endpoint: Endpoint, json: unknown): Answer {
  return ok(json, { 'served-model-name': `${endpoint.name}-1` })
}

function streamed(endpoint: Endpoint, events: readonly string[]): Answer {
  return { status: 200, events, headers: { 'served-model-name': `${endpoint.name}-1` } }
}

function unfit(call: Call): Answer {
  const message =
    'Encountered an unexpected error while evaluating the model. Verify that the input is compatible ' +
    `with the model for inference. Error '${randomUUID()}'`
  return failure(call, 400, 'BAD_REQUEST', message)
}
