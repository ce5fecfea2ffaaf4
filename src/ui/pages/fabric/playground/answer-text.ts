type Members = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Text as it stands in a message: a string, or parts of which some are text. */
function contentOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(contentOf).join('')
  if (!isObject(value)) return ''
  return contentOf(value.text ?? value.content)
}

function choiceOf(choice: unknown): string {
  if (!isObject(choice)) return ''
  return contentOf(choice.delta ?? choice.message ?? choice.text)
}

/** What an answer or one event of it says to a person; empty: nothing. */
export function textOf(value: unknown): string {
  if (!isObject(value)) return ''
  if (Array.isArray(value.choices)) return value.choices.map(choiceOf).join('')
  if (typeof value.type === 'string' && value.type.startsWith('response.')) {
    return value.type === 'response.output_text.delta' ? contentOf(value.delta) : ''
  }
  if (isObject(value.delta)) return contentOf(value.delta)
  if (Array.isArray(value.output)) return value.output.map(contentOf).join('\n')
  if (Array.isArray(value.messages)) return value.messages.map(contentOf).join('\n')
  return ''
}

/** The same of text that may be JSON. */
export function textIn(json: string): string {
  try {
    return textOf(JSON.parse(json))
  } catch {
    return ''
  }
}

/** JSON so that it can be read; anything else as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
