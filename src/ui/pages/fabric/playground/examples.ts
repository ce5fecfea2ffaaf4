/** What endpoints are asked, by their kind; each with a body that an endpoint of the kind understands. */
export const kinds = {
  chat: {
    words: 'Chat',
    body: {
      messages: [{ role: 'user', content: 'Say hello in one sentence.' }],
      max_tokens: 256,
      stream: true
    }
  },
  completions: {
    words: 'Completions',
    body: { prompt: 'Once upon a time', max_tokens: 128, stream: true }
  },
  embeddings: { words: 'Embeddings', body: { input: ['Weft connects.', 'A loom weaves.'] } },
  agent: {
    words: 'Agent',
    body: { input: [{ role: 'user', content: 'What can you do?' }], stream: true }
  },
  custom: {
    words: 'Custom model',
    body: { dataframe_records: [{ age: 42, plan: 'basic' }] }
  }
} as const

export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds).filter((name): name is Kind => name in kinds)

export function exampleOf(kind: Kind): string {
  return JSON.stringify(kinds[kind].body, null, 2)
}

/** The kind that an endpoint's task names (`llm/v1/chat`, …); without a task it is a custom model. */
export function kindOf(task: string | null): Kind {
  if (task === null) return 'custom'
  if (task.startsWith('agent/')) return task.endsWith('/responses') ? 'agent' : 'chat'
  const last = task.split('/').at(-1)
  return kindNames.find((name) => name === last) ?? 'custom'
}

/** What is wrong with a body, in words; null: nothing. */
export function faultOf(body: string): string | null {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return null
    return 'It has to be a JSON object: { … }'
  } catch (err) {
    return `This is not JSON yet: ${err instanceof Error ? err.message : String(err)}`
  }
}
