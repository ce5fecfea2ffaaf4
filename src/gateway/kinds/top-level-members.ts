/**
 * Reads one string member of a JSON object without keeping or rewriting the rest. Two members of that name
 * count as none: whoever reads the body next might take the other one.
 * @returns null where the body is no JSON object, or the member is missing, doubled or not a string
 */
export function readTopLevelString(body: Buffer, member: string): string | null {
  const found = readMembers(body)?.filter(({ name }) => name === member)
  return found?.length === 1 ? (found[0]?.value ?? null) : null
}

/**
 * Adds a string member to a JSON object that has none of that name, in front; every byte that was there
 * stays. A body that is no JSON object is handed back as it is: whoever reads it has better words for that.
 */
export function insertWhereAbsent(body: Buffer, member: string, value: string): Buffer {
  const members = readMembers(body)
  if (members === null || members.some(({ name }) => name === member)) return body
  const end = body.indexOf(openingBrace) + 1
  const text = `${JSON.stringify(member)}:${JSON.stringify(value)}${members.length > 0 ? ',' : ''}`
  return Buffer.concat([body.subarray(0, end), Buffer.from(text), body.subarray(end)])
}

function readMembers(body: Buffer): Member[] | null {
  try {
    return new Scanner(body.toString('utf8')).topLevelMembers()
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
    while (this.#peek() !== '}' || members.length > 0) {
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
