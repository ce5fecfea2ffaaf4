/** Why a text is refused; becomes one fault per message. */
export class Refusal extends Error {
  readonly messages: readonly string[]

  constructor(...messages: readonly string[]) {
    super('refused')
    this.messages = messages
  }
}

export function refuseWhere(faults: Readonly<Record<string, boolean>>): void {
  const messages = Object.keys(faults).filter((message) => faults[message])
  if (messages.length > 0) throw new Refusal(...messages)
}

export function attempt<T>(work: () => T, tell: (message: string) => void): T | null {
  try {
    return work()
  } catch (err) {
    if (!(err instanceof Refusal)) throw err
    err.messages.forEach(tell)
    return null
  }
}

export function orRefuse<T>(message: string, work: () => T): T {
  try {
    return work()
  } catch (err) {
    throw err instanceof Refusal ? err : new Refusal(message)
  }
}

export function matching(pattern: RegExp, message: string): (text: string) => string {
  return (text) => {
    refuseWhere({ [message]: !pattern.test(text) })
    return text
  }
}

/** Parses a comma-separated list; its faults tell the place in the list, not what stands there. */
export function parseList<T>(
  text: string,
  parse: (item: string) => T,
  separator: RegExp = /,/
): T[] {
  const messages: string[] = []
  const items = text.split(separator).map((item, index) => {
    const tell = (message: string) => messages.push(`entry ${index + 1} ${message}`)
    return attempt(() => parse(item.trim()), tell)
  })
  if (messages.length > 0) throw new Refusal(...messages)
  return items.filter((item) => item !== null)
}
