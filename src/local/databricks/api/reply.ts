/** What a model says, and to how long a prompt. */
export interface Reply {
  readonly text: string
  readonly finish: 'stop' | 'length'
  readonly promptTokens: number
}

/** A word is a token here; `maxTokens` cuts the reply. */
export function replyOf(text: string, prompt: string, maxTokens: unknown): Reply {
  const words = wordsOf(text)
  const isCut = typeof maxTokens === 'number' && maxTokens < words.length
  return {
    text: isCut ? words.slice(0, maxTokens).join('') : text,
    finish: isCut ? 'length' : 'stop',
    promptTokens: wordsOf(prompt).length
  }
}

export function wordsOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? []
}

/** As chat and completions tell it; `said` counts what was said so far, without it all of it. */
export function usageOf({ text, promptTokens }: Reply, said = wordsOf(text).length) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: said,
    total_tokens: promptTokens + said
  }
}
