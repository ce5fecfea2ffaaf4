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

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openingBracket = 0x5b
const closingBracket = 0x5d
const openingBrace = 0x7b
const closingBrace = 0x7d

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
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
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1
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
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code)) throw new SyntaxError('an open string')
      this.#at += code === backslash ? 2 : 1
      if (code === quote) return
    }
  }

  #skipValue(): null {
    const start = this.#at
    let depth = 0
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code)) throw new SyntaxError('an open value')
      if (code === quote) {
        this.#skipString()
        continue
      }
      const isEnd = code === closingBrace || code === closingBracket
      if (depth === 0 && (isEnd || code === comma)) break
      if (isEnd) depth -= 1
      if (code === openingBrace || code === openingBracket) depth += 1
      this.#at += 1
    }
    if (this.#text.slice(start, this.#at).trim() === '') throw new SyntaxError('no value')
    return null
  }
}
