import { parseJsonObject } from '../base/json-object.ts'

/** What a model says that it took; null where it does not say. */
export interface TokenCounts {
  readonly input: number | null
  readonly output: number | null
  readonly total: number | null
}

const member = Buffer.from('"usage"')
/** Of one answer's `"usage"`, from its end; most of those that do not count are null. */
const triesMax = 16
const usageMaxBytes = 4 * 1024
const countMax = 2_147_483_647

const quote = 0x22
const backslash = 0x5c
const lineFeed = 0x0a

/**
 * Reads the last `usage` of an answer from its last bytes: of a JSON object, or of an event stream's last
 * event that has one (there also one level down, as in `response.completed`). Whatever is no such thing gives
 * null. Inside a string a quote is escaped, so that no text of a model's is taken for the member.
 * @param tail end of the body; it may begin anywhere
 */
export function findTokenCounts(tail: Buffer, isEvents: boolean): TokenCounts | null {
  let before = tail.length
  for (let tries = 0; tries < triesMax && before > 0; tries += 1) {
    const at = tail.lastIndexOf(member, before - 1)
    if (at < 0) return null
    before = at
    const counts = countsAt(tail, at + member.length, isEvents)
    if (counts !== null) return counts
  }
  return null
}

function countsAt(tail: Buffer, start: number, isEvents: boolean): TokenCounts | null {
  let at = skipSpace(tail, start)
  if (tail[at] !== 0x3a /* : */) return null
  at = skipSpace(tail, at + 1)
  if (tail[at] !== 0x7b /* { */) return null
  const lineEnd = isEvents ? tail.indexOf(lineFeed, at) : tail.length
  const rest = tail.subarray(at, lineEnd < 0 ? tail.length : lineEnd)
  const end = endOfValue(rest)
  if (end === null || end > usageMaxBytes) return null
  const depth = depthBehind(rest.subarray(end))
  if (depth !== 1 && !(isEvents && depth === 2)) return null
  return countsOf(rest.toString('utf8', 0, end))
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d)
    at += 1
  return at
}

/** Walks JSON that begins outside a string, and tells the depth behind each bracket until it is told to stop. */
function walk(bytes: Buffer, onBracket: (depth: number, at: number) => boolean): boolean {
  let depth = 0
  let isInString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const code = bytes[at]
    if (isInString) {
      if (code === backslash) at += 1
      else if (code === quote) isInString = false
    } else if (code === quote) isInString = true
    else if (code === 0x7b || code === 0x5b) depth += 1
    else if (code === 0x7d || code === 0x5d) {
      depth -= 1
      if (!onBracket(depth, at)) return true
    }
  }
  return !isInString
}

/** Behind the bracket that closes the first one. */
function endOfValue(bytes: Buffer): number | null {
  let end: number | null = null
  walk(bytes, (depth, at) => {
    if (depth > 0) return true
    end = at + 1
    return false
  })
  return end
}

/** How many objects are closed until the end, null where what stands there is no end. */
function depthBehind(bytes: Buffer): number | null {
  let closed = 0
  let isObject = true
  const isWhole = walk(bytes, (depth, at) => {
    if (-depth <= closed) return true
    closed = -depth
    isObject = isObject && bytes[at] === 0x7d
    return true
  })
  return isWhole && isObject ? closed : null
}

function countsOf(text: string): TokenCounts | null {
  const usage = parseJsonObject(text)
  if (usage === null) return null
  const input = countOf(usage.prompt_tokens ?? usage.input_tokens)
  const output = countOf(usage.completion_tokens ?? usage.output_tokens)
  const told = countOf(usage.total_tokens)
  if (input === null && output === null && told === null) return null
  const sum = input === null || output === null ? null : countOf(input + output)
  return { input, output, total: told ?? sum }
}

function countOf(value: unknown): number | null {
  const isCount = typeof value === 'number' && Number.isSafeInteger(value)
  return isCount && value >= 0 && value <= countMax ? value : null
}
