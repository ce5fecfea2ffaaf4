import { describe, expect, test } from 'vitest'
import { findTokenCounts } from '../../src/gateway/token-counts.ts'

const chat = { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 }
const counts = { input: 11, output: 5, total: 16 }
const none = { input: null, output: null, total: null }

function inJson(value: unknown, indent?: number) {
  return findTokenCounts(Buffer.from(JSON.stringify(value, null, indent)), false)
}

function inEvents(...events: unknown[]) {
  const lines = events.map((event) =>
    typeof event === 'string' ? `data: ${event}\n\n` : `data: ${JSON.stringify(event)}\n\n`
  )
  return findTokenCounts(Buffer.from(lines.join('')), true)
}

describe('what a whole answer tells of its tokens', () => {
  test.each([
    ['chat', { id: 'x', choices: [{ message: { content: 'hi' } }], usage: chat }, counts],
    ['a member behind it', { usage: chat, user: null, metadata: { a: ['}', '{'] } }, counts],
    [
      'embeddings',
      { data: [[0.1]], usage: { prompt_tokens: 3, total_tokens: 3 } },
      { ...none, input: 3, total: 3 }
    ],
    [
      'responses',
      { usage: { input_tokens: 2, output_tokens: 4 } },
      { input: 2, output: 4, total: 6 }
    ],
    ['details within', { usage: { ...chat, prompt_tokens_details: { cached_tokens: 1 } } }, counts],
    [
      'zero',
      { usage: { prompt_tokens: 0, completion_tokens: 0 } },
      { input: 0, output: 0, total: 0 }
    ]
  ])('%s', (_what, answer, wanted) => {
    expect(inJson(answer)).toEqual(wanted)
    expect(inJson(answer, 2)).toEqual(wanted)
  })

  test.each([
    ['no JSON at all', 'plain text with "usage": {"prompt_tokens": 1}'],
    ['none', { choices: [] }],
    ['null', { usage: null }],
    ['a number', { usage: 3 }],
    ['nothing countable', { usage: { seconds: 3 } }],
    [
      'texts, fractions, negatives, giants',
      {
        usage: { prompt_tokens: '1', completion_tokens: 0.5, total_tokens: -1, input_tokens: 1e300 }
      }
    ],
    ['a nested one', { predictions: { usage: chat } }],
    ['a list of them', [{ usage: chat }]],
    ["a model's words", { choices: [{ content: '{"usage":{"prompt_tokens":9}}' }] }],
    [
      "a model's words, escaped twice",
      { choices: [{ content: JSON.stringify('"usage":{"total_tokens":9}') }] }
    ],
    ['only an end of an escape', { content: 'x\\', note: '"usage":{"total_tokens":9}}' }]
  ])('%s counts as nothing', (_what, answer) => {
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer)
    expect(findTokenCounts(Buffer.from(text), false)).toBeNull()
  })

  test('a body that begins in the middle, as a window does, and one that ends there', () => {
    const whole = JSON.stringify({ data: 'y'.repeat(500), usage: chat })
    expect(findTokenCounts(Buffer.from(whole.slice(300)), false)).toEqual(counts)
    for (const length of [3, 10, 30]) {
      expect(findTokenCounts(Buffer.from(whole.slice(0, -length)), false)).toBeNull()
    }
  })
})

describe('what a stream tells of its tokens', () => {
  test('the last event that has any counts, whatever comes behind it', () => {
    const early = { ...chat, completion_tokens: 1, total_tokens: 12 }
    expect(inEvents({ usage: early }, { usage: chat }, { usage: null }, '[DONE]')).toEqual(counts)
    expect(inEvents({ choices: [] }, { choices: [], usage: chat }, '[DONE]')).toEqual(counts)
  })

  test('a finished response, one level down', () => {
    const response = {
      output: [{ text: 'hi' }],
      usage: { input_tokens: 11, output_tokens: 5 },
      user: null
    }
    const last = { type: 'response.completed', response, sequence_number: 9 }
    expect(inEvents({ type: 'response.created', response: { usage: null } }, last)).toEqual(counts)
  })

  test('a stream that is cut in an event has what the events before told', () => {
    const text = `data: ${JSON.stringify({ usage: chat })}\n\ndata: {"usage":{"prompt_tokens":99,"com`
    expect(findTokenCounts(Buffer.from(text), true)).toEqual(counts)
  })

  test('lines that end in CR LF', () => {
    const text = `data: ${JSON.stringify({ usage: chat })}\r\n\r\ndata: [DONE]\r\n\r\n`
    expect(findTokenCounts(Buffer.from(text), true)).toEqual(counts)
  })

  test('words of a model, deeper members and endless nulls count as nothing', () => {
    const words = { choices: [{ delta: { content: '"usage":{"total_tokens":9}' } }] }
    expect(inEvents(words, '[DONE]')).toBeNull()
    expect(inEvents({ a: { b: { usage: chat } } })).toBeNull()
    expect(
      inEvents({ usage: chat }, ...Array.from({ length: 40 }, () => ({ usage: null })))
    ).toBeNull()
  })
})

test('hostile bytes cost no more than their length', () => {
  const hostile = ['"usage":{', '"usage":', '{', '"', '\\', '"usage":{"a":"\\'].map((part) =>
    Buffer.from(part.repeat(Math.ceil(16_384 / part.length)))
  )
  for (const bytes of hostile) {
    const begun = performance.now()
    expect(findTokenCounts(bytes, false)).toBeNull()
    expect(findTokenCounts(bytes, true)).toBeNull()
    expect(performance.now() - begun).toBeLessThan(500)
  }
})
