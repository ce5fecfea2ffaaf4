import { randomUUID } from 'node:crypto'
import { buildName } from './chat.ts'
import { type Reply, wordsOf } from './reply.ts'

export function responseAnswer(reply: Reply, created: number) {
  const item = outputItem(`msg_${randomUUID()}`, reply.text)
  return response(`resp_${randomUUID()}`, reply, created, [item])
}

/** The Responses API's events in their order, numbered, then `[DONE]`. */
export function responseEvents(reply: Reply, created: number): string[] {
  const id = `resp_${randomUUID()}`
  const itemId = `msg_${randomUUID()}`
  const at = { output_index: 0, content_index: 0, item_id: itemId }
  const begun = { ...response(id, reply, created, []), status: 'in_progress', usage: null }
  const done = outputItem(itemId, reply.text)
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...done, status: 'in_progress', content: [] }
    },
    { type: 'response.content_part.added', ...at, part: textPart('') },
    ...deltas(reply, itemId),
    { type: 'response.output_text.done', ...at, text: reply.text, logprobs: [] },
    { type: 'response.content_part.done', ...at, part: textPart(reply.text) },
    { type: 'response.output_item.done', output_index: 0, item: done },
    { type: `response.${statusOf(reply)}`, response: response(id, reply, created, [done]) }
  ]
  return numbered(events)
}

/** What an agent sends: the text, the finished item, the usage. */
export function agentResponseEvents(reply: Reply, created: number): string[] {
  const itemId = `msg_${randomUUID()}`
  const item = outputItem(itemId, reply.text)
  return numbered([
    ...deltas(reply, itemId),
    { type: 'response.output_item.done', output_index: 0, item },
    {
      type: 'responses.completed',
      response: response(`resp_${randomUUID()}`, reply, created, [item])
    }
  ])
}

function deltas({ text }: Reply, itemId: string) {
  return wordsOf(text).map((delta) => ({
    type: 'response.output_text.delta',
    item_id: itemId,
    output_index: 0,
    content_index: 0,
    delta,
    logprobs: []
  }))
}

function numbered(events: readonly object[]): string[] {
  const lines = events.map((event, index) => JSON.stringify({ ...event, sequence_number: index }))
  return [...lines, '[DONE]']
}

function response(id: string, reply: Reply, created: number, output: readonly object[]) {
  const outputTokens = wordsOf(reply.text).length
  return {
    id,
    object: 'response',
    created_at: created,
    status: statusOf(reply),
    error: null,
    incomplete_details: reply.finish === 'stop' ? null : { reason: 'max_output_tokens' },
    instructions: null,
    metadata: {},
    model: buildName,
    output,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: {
      input_tokens: reply.promptTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: reply.promptTokens + outputTokens
    }
  }
}

function outputItem(id: string, text: string) {
  return { type: 'message', id, role: 'assistant', status: 'completed', content: [textPart(text)] }
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function statusOf({ finish }: Reply): 'completed' | 'incomplete' {
  return finish === 'stop' ? 'completed' : 'incomplete'
}
