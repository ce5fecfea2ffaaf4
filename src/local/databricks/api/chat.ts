import { randomUUID } from 'node:crypto'

/** The model's own build name, which answers carry instead of the endpoint's. */
const model = 'meta-llama-3.3-70b-instruct-121024'

export function chatAnswer(reply: string, created: number) {
  return {
    id: `chatcmpl_${randomUUID()}`,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: reply },
        finish_reason: 'stop',
        logprobs: null
      }
    ],
    usage: usageOf(reply)
  }
}

/** One chunk per word, then the finish, then `[DONE]`. */
export function chatEvents(reply: string, created: number): string[] {
  const id = `chatcmpl_${randomUUID()}`
  const usage = usageOf(reply)
  const chunk = (delta: object, finish: string | null) =>
    JSON.stringify({
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
      usage
    })
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...wordsOf(reply).map((word) => chunk({ content: word }, null)),
    chunk({ content: '' }, 'stop'),
    '[DONE]'
  ]
}

export function completionAnswer(reply: string, created: number) {
  return {
    id: `cmpl_${randomUUID()}`,
    object: 'text_completion',
    created,
    model,
    choices: [{ index: 0, text: reply, finish_reason: 'stop', logprobs: null }],
    usage: usageOf(reply)
  }
}

export function responseAnswer(reply: string, created: number) {
  return {
    id: `resp_${randomUUID()}`,
    object: 'response',
    created_at: created,
    status: 'completed',
    model,
    output: [outputItem(`msg_${randomUUID()}`, reply)]
  }
}

export function responseEvents(reply: string, _created: number): string[] {
  const itemId = `msg_${randomUUID()}`
  const deltas = wordsOf(reply).map((delta) => ({
    type: 'response.output_text.delta',
    item_id: itemId,
    output_index: 0,
    content_index: 0,
    delta
  }))
  const done = {
    type: 'response.output_item.done',
    output_index: 0,
    item: outputItem(itemId, reply)
  }
  return [...[...deltas, done].map((event) => JSON.stringify(event)), '[DONE]']
}

function outputItem(id: string, reply: string) {
  return {
    type: 'message',
    id,
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: reply, annotations: [] }]
  }
}

function wordsOf(reply: string): string[] {
  return reply.match(/\s*\S+/g) ?? []
}

function usageOf(reply: string) {
  const tokens = wordsOf(reply).length
  return { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens }
}
