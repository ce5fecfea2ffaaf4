type Value = bigint | number | string | boolean | null

/** What a command printed or came to. */
export type PythonOutcome =
  | { readonly kind: 'text'; readonly text: string; readonly sleepsMs: number }
  | { readonly kind: 'error'; readonly name: string; readonly message: string }

class PythonError {
  readonly name: string
  readonly message: string
  constructor(name: string, message: string) {
    this.name = name
    this.message = message
  }
}

const token = /\s*(\*\*|\/\/|[-+*/%(),]|\d+|'[^'\n]*'|"[^"\n]*"|[A-Za-z_][\w.]*)/y

/**
 * Evaluates a little Python: literals, arithmetic of exact integers, variables, `print`, `str`, `time.sleep`,
 * `raise`, one statement a line or between semicolons. `variables` outlive the call, as in a notebook.
 */
export function evaluatePython(source: string, variables: Map<string, Value>): PythonOutcome {
  const printed: string[] = []
  let sleepsMs = 0
  const calls: Record<string, (given: Value[]) => Value> = {
    print(given) {
      printed.push(given.map(show).join(' '))
      return null
    },
    str: ([value = '']) => show(value),
    'time.sleep'([seconds = 0]) {
      sleepsMs += Number(seconds) * 1000
      return null
    }
  }
  const lines = source.split(/[\n;]/).map((line) => line.trim())
  try {
    for (const line of lines) {
      if (line === '' || /^(#|import\s)/.test(line)) continue
      const raised = /^raise\s+(\w+)\(\s*(?:'([^']*)'|"([^"]*)")?\s*\)$/.exec(line)
      if (raised) throw new PythonError(raised[1] ?? '', raised[2] ?? raised[3] ?? '')
      const assigned = /^([A-Za-z_]\w*)\s*=\s*(?!=)(.+)$/.exec(line)
      const value = evaluate(assigned?.[2] ?? line, variables, calls)
      if (assigned?.[1]) variables.set(assigned[1], value)
      else if (value !== null) printed.push(typeof value === 'string' ? `'${value}'` : show(value))
    }
  } catch (error) {
    if (!(error instanceof PythonError)) throw error
    return { kind: 'error', name: error.name, message: error.message }
  }
  return { kind: 'text', text: printed.join('\n'), sleepsMs }
}

function evaluate(
  source: string,
  variables: ReadonlyMap<string, Value>,
  calls: Readonly<Record<string, (given: Value[]) => Value>>
): Value {
  const tokens = tokensOf(source)
  let at = 0
  const take = (...wanted: string[]) => {
    const next = tokens[at]
    if (next === undefined || !wanted.includes(next)) return undefined
    at++
    return next
  }
  const sum = (): Value => {
    let left = product()
    for (let sign = take('+', '-'); sign; sign = take('+', '-')) left = apply(sign, left, product())
    return left
  }
  const product = (): Value => {
    const signs = ['*', '/', '//', '%'] as const
    let left = factor()
    for (let sign = take(...signs); sign; sign = take(...signs)) left = apply(sign, left, factor())
    return left
  }
  const factor = (): Value => {
    if (take('-')) return apply('-', 0n, factor())
    const base = atom()
    return take('**') ? apply('**', base, factor()) : base
  }
  const atom = (): Value => {
    const word = tokens[at++]
    if (word === undefined) throw invalidSyntax()
    if (word === '(') {
      const inner = sum()
      if (!take(')')) throw invalidSyntax()
      return inner
    }
    if (/^\d/.test(word)) return BigInt(word)
    if (/^['"]/.test(word)) return word.slice(1, -1)
    if (word === 'True' || word === 'False') return word === 'True'
    if (word === 'None') return null
    if (!/^[A-Za-z_]/.test(word)) throw invalidSyntax()
    if (take('(')) return call(word)
    const known = variables.get(word)
    if (known === undefined) throw new PythonError('NameError', `name '${word}' is not defined`)
    return known
  }
  const call = (name: string): Value => {
    const given: Value[] = []
    while (!take(')')) {
      given.push(sum())
      if (!take(',') && tokens[at] !== ')') throw invalidSyntax()
    }
    const known = Object.hasOwn(calls, name) ? calls[name] : undefined
    if (!known) throw new PythonError('NameError', `name '${name}' is not defined`)
    return known(given)
  }
  const value = sum()
  if (at < tokens.length) throw invalidSyntax()
  return value
}

function tokensOf(source: string): string[] {
  const tokens: string[] = []
  token.lastIndex = 0
  for (let end = 0; end < source.trimEnd().length; end = token.lastIndex) {
    const match = token.exec(source)
    if (!match?.[1]) throw invalidSyntax()
    tokens.push(match[1])
  }
  return tokens
}

function apply(sign: string, left: Value, right: Value): Value {
  if (sign === '+' && typeof left === 'string' && typeof right === 'string') return left + right
  if (typeof left !== 'bigint' || typeof right !== 'bigint') {
    throw new PythonError('TypeError', `unsupported operand type(s) for ${sign}`)
  }
  if (right === 0n && ['/', '//', '%'].includes(sign)) {
    throw new PythonError('ZeroDivisionError', 'division by zero')
  }
  const quotient = right === 0n ? 0n : floorDivide(left, right)
  switch (sign) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '//':
      return quotient
    case '%':
      return left - quotient * right
    case '/':
      return Number(left) / Number(right)
    default:
      if (right < 0n || right > 4096n) throw new PythonError('OverflowError', 'not simulated')
      return left ** right
  }
}

function floorDivide(left: bigint, right: bigint): bigint {
  const quotient = left / right
  return left % right !== 0n && left < 0n !== right < 0n ? quotient - 1n : quotient
}

function show(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number' && Number.isInteger(value)) return `${value}.0`
  return String(value)
}

function invalidSyntax(): PythonError {
  return new PythonError('SyntaxError', 'invalid syntax')
}
