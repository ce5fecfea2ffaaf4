import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { isObject, parseJson } from '../../simulation/exchange.ts'
import { type Answer, type Call, failure, ok, type Route, type WorkspaceDeps } from './answer.ts'
import { chatAnswer, chatEvents, completionAnswer, responseAnswer, responseEvents } from './chat.ts'
import { describe, type Endpoint, endpoints } from './endpoints.ts'

const embeddingLength = 16

export function createServing(deps: WorkspaceDeps) {
  const awakeAtMs = new Map<string, number>()
  deps.faults.onChange((names) => {
    if (names.includes('coldStartMs')) awakeAtMs.clear()
  })
  const warmUp = async ({ name }: Endpoint) => {
    const now = deps.clock.monotonicMs()
    const awakeAt = awakeAtMs.get(name) ?? now + deps.faults.current.coldStartMs
    awakeAtMs.set(name, awakeAt)
    if (awakeAt > now) await pause(awakeAt - now)
  }
  const query = async (call: Call, name: string, family: Family): Promise<Answer> => {
    const endpoint = endpoints.find((one) => one.name === name)
    if (!endpoint) return missing(call, name)
    if (endpoint.isQueryable === false) {
      const message = `User does not have permission 'Query' on Endpoint ${name}`
      return failure(call, 403, 'PERMISSION_DENIED', message)
    }
    const body = parseJson(call.body)
    if (!isObject(body)) {
      return failure(
        call,
        400,
        'MALFORMED_REQUEST',
        'Invalid JSON given in the body of the request'
      )
    }
    await warmUp(endpoint)
    return families[family](call, endpoint, body)
  }
  const byModel = (family: Family) => (call: Call) => {
    const body = parseJson(call.body)
    return query(call, isObject(body) ? String(body.model) : '', family)
  }
  const routes: Route[] = [
    post(/^\/serving-endpoints\/(?<name>[^/]+)\/invocations$/, (call) =>
      query(call, call.params.name ?? '', 'any')
    ),
    post(/^\/serving-endpoints\/(?<name>[^/]+)\/served-models\/[^/]+\/invocations$/, (call) =>
      query(call, call.params.name ?? '', 'any')
    ),
    post(/^\/serving-endpoints(?:\/v1)?\/chat\/completions$/, byModel('chat')),
    post(/^\/serving-endpoints(?:\/v1)?\/completions$/, byModel('completions')),
    post(/^\/serving-endpoints(?:\/v1)?\/embeddings$/, byModel('embeddings')),
    post(/^\/serving-endpoints(?:\/v1)?\/responses$/, byModel('responses')),
    {
      method: 'GET',
      pattern: /^\/api\/2\.0\/serving-endpoints$/,
      scope: 'model-serving',
      handle: () => ok({ endpoints: endpoints.map(describe) })
    },
    {
      method: 'GET',
      pattern: /^\/api\/2\.0\/serving-endpoints\/(?<name>[^/]+)$/,
      scope: 'model-serving',
      handle: (call) => {
        const found = endpoints.find(({ name }) => name === call.params.name)
        return found ? ok(describe(found)) : missing(call, call.params.name ?? '')
      }
    }
  ]
  return { routes }
}

type Body = Record<string, unknown>
type Family = 'any' | 'chat' | 'completions' | 'embeddings' | 'responses'

const families: Record<Family, (call: Call, endpoint: Endpoint, body: Body) => Answer> = {
  any(call, endpoint, body) {
    if (Array.isArray(body.messages)) return families.chat(call, endpoint, body)
    if ('prompt' in body) return families.completions(call, endpoint, body)
    if (endpoint.task === 'llm/v1/embeddings') return families.embeddings(call, endpoint, body)
    return predict(call, endpoint, body)
  },
  chat(call, endpoint, body) {
    if (endpoint.task !== 'llm/v1/chat' || !Array.isArray(body.messages)) return unfit(call)
    const reply = replyTo(call, endpoint, textOf(body.messages.at(-1)))
    if (body.stream === true) return streamed(endpoint, chatEvents(reply, seconds()))
    return served(endpoint, chatAnswer(reply, seconds()))
  },
  completions(call, endpoint, body) {
    if (endpoint.task !== 'llm/v1/chat') return unfit(call)
    if (Array.isArray(body.messages)) return families.chat(call, endpoint, body)
    return served(
      endpoint,
      completionAnswer(replyTo(call, endpoint, textOf(body.prompt)), seconds())
    )
  },
  embeddings(call, endpoint, body) {
    if (endpoint.task !== 'llm/v1/embeddings' || body.input === undefined) return unfit(call)
    const inputs = [body.input].flat().map(String)
    const tokens = inputs.join(' ').split(/\s+/).length
    return served(endpoint, {
      object: 'list',
      data: inputs.map((input, index) => ({ object: 'embedding', index, embedding: embed(input) })),
      model: 'gte-large-en-v1.5',
      usage: { prompt_tokens: tokens, total_tokens: tokens }
    })
  },
  responses(call, endpoint, body) {
    if (endpoint.task !== 'llm/v1/chat' || body.input === undefined) return unfit(call)
    const reply = replyTo(call, endpoint, textOf([body.input].flat().at(-1)))
    if (body.stream === true) return streamed(endpoint, responseEvents(reply, seconds()))
    return served(endpoint, responseAnswer(reply, seconds()))
  }
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

function replyTo(call: Call, { tellsCaller }: Endpoint, question: string): string {
  return tellsCaller ? call.caller.userName : `You said: ${question}`
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

function missing(call: Call, name: string): Answer {
  const message = `Endpoint with name '${name}' does not exist.`
  return failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', message)
}

function post(pattern: RegExp, handle: Route['handle']): Route {
  return { method: 'POST', pattern, scope: 'model-serving', handle }
}
