import { invalidRequest } from '../base/errors.ts'
import type { DataPlanePath, Provider } from '../providers/provider.ts'

/** A call that a provider's table claims; its parameters are in the pattern that the provider gives. */
export interface Claim {
  readonly provider: Provider
  readonly row: DataPlanePath
  /** By name, not yet checked. */
  readonly params: Readonly<Record<string, string>>
}

export interface PathTable {
  /**
   * Who serves this method at this path, looked up without building any URL; null: nobody does.
   * @param path below the fabric, still percent-encoded as it came
   * @param provider only this one's; default: the first that claims it
   */
  find(method: string, path: string, provider?: Provider): Claim | null
}

interface Line {
  readonly provider: Provider
  readonly row: DataPlanePath
  /** Null: the path has no parameters. */
  readonly pattern: RegExp | null
  readonly names: readonly string[]
}

const none: Claim['params'] = {}
const parameter = /\{([a-z]+)\}/g

/** The tables of all providers as one, made once: most paths are found by a look-up, the others by a pattern. */
export function createPathTable(providers: readonly Provider[]): PathTable {
  const fixed = new Map<string, Line[]>()
  const patterned = new Map<string, Line[]>()
  for (const provider of providers) {
    for (const row of provider.dataPlane) {
      const line = lineOf(provider, row)
      const [lines, key] = line.pattern === null ? [fixed, keyOf(row)] : [patterned, row.method]
      lines.set(key, [...(lines.get(key) ?? []), line])
    }
  }

  return {
    find(given, path, provider) {
      const method = given === 'HEAD' ? 'GET' : given
      for (const line of fixed.get(`${method} ${path}`) ?? []) {
        if (isOf(line, provider)) return { provider: line.provider, row: line.row, params: none }
      }
      for (const line of patterned.get(method) ?? []) {
        const match = isOf(line, provider) ? line.pattern?.exec(path) : null
        if (!match) continue
        const params: Record<string, string> = {}
        for (const [index, name] of line.names.entries()) params[name] = match[index + 1] ?? ''
        return { provider: line.provider, row: line.row, params }
      }
      return null
    }
  }
}

/** @throws AppError `invalid_request`: a segment that is not what stands there */
export function checkParams({ provider, params }: Claim): void {
  for (const name in params) {
    if (!fitsParameter(provider, name, params[name] ?? '')) {
      throw invalidRequest(`/${name}`, `not what names a ${name}`)
    }
  }
}

/** Whether the text may stand where the provider's paths have this parameter. */
export function fitsParameter(provider: Provider, name: string, text: string): boolean {
  return patternOf(provider, name).test(text)
}

const compiled = new WeakMap<Provider, Map<string, RegExp>>()

function patternOf(provider: Provider, name: string): RegExp {
  const known = compiled.get(provider) ?? new Map<string, RegExp>()
  compiled.set(provider, known)
  const found = known.get(name)
  if (found !== undefined) return found
  // A parameter without a pattern fits nothing.
  const pattern = new RegExp(provider.pathParameters[name] ?? '(?!)')
  known.set(name, pattern)
  return pattern
}

function lineOf(provider: Provider, row: DataPlanePath): Line {
  const names = [...row.path.matchAll(parameter)].flatMap(([, name]) => name ?? [])
  if (names.length === 0) return { provider, row, pattern: null, names }
  const source = row.path.replace(/[.]/g, '\\.').replace(parameter, '([^/]+)')
  return { provider, row, pattern: new RegExp(`^${source}$`), names }
}

function keyOf({ method, path }: DataPlanePath): string {
  return `${method} ${path}`
}

function isOf(line: Line, provider: Provider | undefined): boolean {
  return provider === undefined || line.provider === provider
}
