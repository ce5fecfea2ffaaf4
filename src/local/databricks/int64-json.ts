/** JSON whose integers beyond 2^53 stay exact: they are read as bigints and written as plain numbers. */
export function parseExactJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'), exact)
  } catch {
    return undefined
  }
}

const mark = '\u0000int64:'
const marked = /"\\u0000int64:(-?\d+)"/g

export function exactJson(value: unknown): string {
  let hasMarks = false
  const text = JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'bigint') return member
    hasMarks = true
    return `${mark}${member}`
  })
  return hasMarks ? text.replace(marked, '$1') : text
}

function exact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
}
