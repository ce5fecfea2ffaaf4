/**
 * Whether a text has the shape of a pattern: letter by letter, `*` for any letters, none included. Each part is
 * looked for once and never again, so no pattern makes a text expensive.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const [first = '', ...parts] = pattern.split('*')
  const last = parts.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let from = first.length
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return text.length - last.length >= from && text.endsWith(last)
}

/** Whether it says anything at all: `*` and its like match every text. */
export function isSaying(pattern: string): boolean {
  return /[^*]/.test(pattern)
}

/** A member of the claims by its name, or by a JSON pointer (RFC 6901) where the name begins with `/`. */
export function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (!name.startsWith('/')) return ownMember(claims, name)
  return name
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(ownMember, claims)
}

function ownMember(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}

/** Whether a claim is there and fits: a scalar as its text, a list by any of its scalars. */
export function claimMatches(pattern: string, value: unknown): boolean {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.some((one) => {
    const isScalar = typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean'
    return isScalar && matchesPattern(pattern, String(one))
  })
}
