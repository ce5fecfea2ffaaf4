/**
 * Reads one string member of a JSON object without keeping or rewriting the rest. Two members of that name
 * count as none: whoever reads the body next might take the other one.
 * @returns null where the body is no JSON object, or the member is missing, doubled or not a string
 */
export function readTopLevelString(body: Buffer, member: string): string | null {
  const text = body.toString('utf8')
  const scanner = new Scanner(text)
  try {
    const found = scanner.topLevelMembers().filter(({ name }) => name === member)
    const [only] = found
    return found.length === 1 && typeof only?.value === 'string' ? only.value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

interface Member {
  readonly name: string
  /** The value where it is a string, else null. */
  readonly value: string | null
}

/** Walks an object's top level; nested values are only skipped, by counting brackets outside strings. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  topLevelMembers(): Member[] {
    const members: Member[] = []
    this.#expect('{')
    if (this.#peek() === '}') return members
    for (;;) {
      const name = this.#string()
      this.#expect(':')
      const value = this.#peek() === '"' ? this.#string() : this.#skipValue()
      members.push({ name, value })
      if (this.#peek() !== ',') break
      this.#at += 1
    }
    this.#expect('}')
    if (this.#peek() !== '') throw new SyntaxError('text after the object')
    return members
  }

  #peek(): string {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1
    return this.#text[this.#at] ?? ''
  }

  #expect(char: string): void {
    if (this.#peek() !== char) throw new SyntaxError(`not ${char}`)
    this.#at += 1
  }

  #string(): string {
    if (this.#peek() !== '"') throw new SyntaxError('not a string')
    const start = this.#at
    this.#skipString()
    const value: unknown = JSON.parse(this.#text.slice(start, this.#at))
    return String(value)
  }

  #skipString(): void {
    this.#at += 1
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length) throw new SyntaxError('an open string')
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    }
    this.#at += 1
  }

  #skipValue(): null {
    const start = this.#at
    let depth = 0
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) throw new SyntaxError('an open value')
      if (char === '"') {
        this.#skipString()
        continue
      }
      if (depth === 0 && /[,}\]]/.test(char)) break
      if (char === '{' || char === '[') depth += 1
      if (char === '}' || char === ']') depth -= 1
      this.#at += 1
    }
    if (this.#text.slice(start, this.#at).trim() === '') throw new SyntaxError('no value')
    return null
  }
}
