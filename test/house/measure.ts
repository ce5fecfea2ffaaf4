import { type Fault, lineOf, type Source } from './source.ts'

const linesMax = 350
const linesOfMost = 220
const linesMedianMax = 90
const castsPerThousandMax = 3
const drawers = /^(utils?|helpers?|common|shared|misc|manager)$/
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/

/** `x as T` and `<T>x`, but for `as const`. */
export function castsIn(source: Source): string[] {
  return source.nodes
    .filter((node) => node.type === 'TSAsExpression' || node.type === 'TSTypeAssertion')
    .filter((node) => !/\bas\s+const$/.test(source.text.slice(node.start, Number(node.end))))
    .map((node) => `${source.path}:${lineOf(source, node.start)}`)
}

/** More casts than 3 for each thousand lines, over all of them together. */
export function castFaults(sources: readonly Source[]): Fault[] {
  const casts = sources.flatMap(castsIn)
  const lines = sources.reduce((sum, source) => sum + source.lines, 0)
  const casted = Math.ceil((lines * castsPerThousandMax) / 1000)
  return casts.length > casted ? [`${casts.length} casts, ${casted} allowed`, ...casts] : []
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** A file over 350 lines, a median over 90, or more than a tenth over 220. */
export function sizeFaults(sources: readonly Pick<Source, 'path' | 'lines'>[]): Fault[] {
  const sorted = sources.map(({ lines }) => lines).sort((a, b) => a - b)
  const faults = sources
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path} has ${lines} lines`)
  const median = quantile(sorted, 0.5)
  if (median > linesMedianMax) faults.push(`the median file has ${median} lines`)
  const most = quantile(sorted, 0.9)
  if (most > linesOfMost) faults.push(`more than a tenth of the files is over ${linesOfMost} lines`)
  return faults
}

/** Drawers for anything, and names that are not kebab-case. */
export function nameFaults(path: string): Fault[] {
  const parts = path.replace(/\.[a-z]+$/, '').split('/')
  const drawer = parts.filter((part) => drawers.test(part)).map((part) => `${path}: "${part}"`)
  const odd = parts.filter((part) => !kebab.test(part)).map((part) => `${path}: "${part}"`)
  return [...drawer, ...odd]
}
