import { ScimFault } from './scim-fault.ts'

/** `attribute eq value`, the only comparison that identity providers ask for. */
export interface Condition {
  /** Lower case, without the core schema's prefix: `username`, `emails.value`. */
  readonly attribute: string
  readonly value: string
}

const lengthMax = 1_024
const condition =
  /\s*([A-Za-z][\w.:$-]*)(?:\[\s*[A-Za-z.]+\s+eq\s+"[^"]*"\s*\])?((?:\.[A-Za-z]+)?)\s+eq\s+("(?:[^"\\]|\\.)*"|[^\s"()]+)\s*/iy
const conjunction = /and\b/iy
const corePrefix = /^urn:ietf:params:scim:schemas:core:2\.0:(user|group):/

/**
 * Conditions that must all hold (RFC 7644 §3.4.2.2: `eq` and `and`). Which value of a list is meant
 * (`emails[type eq "work"].value`) does not count: any of them is found.
 * @throws ScimFault `invalidFilter`
 */
export function parseFilter(text: string): Condition[] {
  const found: Condition[] = []
  let at = 0
  while (text.length <= lengthMax) {
    condition.lastIndex = at
    const [whole, name, sub, value] = condition.exec(text) ?? []
    if (whole === undefined || name === undefined || value === undefined) break
    found.push({ attribute: attributeName(`${name}${sub ?? ''}`), value: comparedValue(value) })
    at += whole.length
    if (at === text.length) return found
    conjunction.lastIndex = at
    if (!conjunction.test(text)) break
    at = conjunction.lastIndex
  }
  throw new ScimFault('invalidFilter', 'Only `attribute eq "value"`, joined by `and`, is served')
}

/** Names are one whatever their case, with or without the core schema before them (RFC 7643 §2.1). */
export function attributeName(text: string): string {
  return text.toLowerCase().replace(corePrefix, '')
}

function comparedValue(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    return String(JSON.parse(text))
  } catch {
    throw new ScimFault('invalidFilter', 'A value is not a JSON string')
  }
}
