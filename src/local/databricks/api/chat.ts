import { randomUUID } from 'node:crypto'
import { type Reply, usageOf, wordsOf } from './reply.ts'

/** The model's own build name, which answers carry instead of the endpoint's. */
export const buildName = 'meta-llama-3.3-70b-instruct-121024'

export function chatAnswer(reply: Reply, created: number) {
  const message = { role: 'assistant', content: reply.text }
  return {
    id: `chatcmpl_${randomUUID()}`,
    object: 'chat.completion',
    created,
    model: buildName,
    choices: [{ index: 0, message, finish_reason: reply.finish, logprobs: null }],
    usage: usageOf(reply)
  }
}

/** One chunk per word, then the finish, then `[DONE]`; each chunk tells the usage so far. */
export function chatEvents(reply: Reply, created: number): string[] {
  const id = `chatcmpl_${randomUUID()}`
  return chunks(reply, (text, finish, index) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model: buildName,
    choices: [
      {
        index: 0,
        delta: index === 0 ? { role: 'assistant', content: text } : { content: text },
        finish_reason: finish,
        logprobs: null
      }
    ],
    usage: usageOf(reply, index)
  }))
}

export function completionAnswer(reply: Reply, created: number) {
  return {
    id: `cmpl_${randomUUID()}`,
    object: 'text_completion',
    created,
    model: buildName,
    choices: [{ index: 0, text: reply.text, finish_reason: reply.finish, logprobs: null }],
    usage: usageOf(reply)
  }
}

export function completionEvents(reply: Reply, created: number): string[] {
  const id = `cmpl_${randomUUID()}`
  return chunks(reply, (text, finish, index) => ({
    id,
    object: 'text_completion',
    created,
    model: buildName,
    choices: [{ index: 0, text, finish_reason: finish, logprobs: null }],
    usage: usageOf(reply, index)
  }))
}

/** A ChatAgent of MLflow, which agent endpoints answer `messages` as. */
export function agentAnswer(reply: Reply) {
  const message = { role: 'assistant', content: reply.text, id: `run--${randomUUID()}` }
  return { id: randomUUID(), messages: [message], finish_reason: reply.finish }
}

export function agentEvents(reply: Reply): string[] {
  const id = `run--${randomUUID()}`
  const deltas = wordsOf(reply.text).map((content) => {
    return JSON.stringify({ id, delta: { role: 'assistant', content, id } })
  })
  return [...deltas, '[DONE]']
}

/** The first chunk is empty, the last one too and carries why it ended. */
function chunks(
  reply: Reply,
  chunk: (text: string, finish: Reply['finish'] | null, index: number) => object
): string[] {
  const words = wordsOf(reply.text)
  const sent = ['', ...words].map((word, index) => chunk(word, null, index))
  return [...[...sent, chunk('', reply.finish, words.length)].map(stringify), '[DONE]']
}

function stringify(value: object): string {
  return JSON.stringify(value)
}
