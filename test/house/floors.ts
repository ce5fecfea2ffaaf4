import { type Fault, lineOf, type Source, targetOf } from './source.ts'

/** The floor of each room, and of each file that is a room of its own. */
export const floors: Readonly<Record<string, number>> = {
  base: 0,
  crypto: 1,
  outbound: 1,
  store: 1,
  config: 1,
  tracing: 1,
  providers: 2,
  audit: 2,
  oauth: 3,
  vault: 4,
  identity: 5,
  'app-connections': 5,
  fabrics: 5,
  webhooks: 5,
  gateway: 6,
  interchange: 6,
  http: 7,
  jobs: 7,
  commands: 8,
  'app.ts': 8,
  'rooms.ts': 8,
  'doors.ts': 8,
  'log-lines.ts': 8,
  'main.ts': 9,
  local: 9,
  ui: 9
}

/** Not of the house's floors: it runs before there is a house. */
const outside = new Set(['setup.mjs'])

/** Rooms that reach only some of the floors below them, so that nobody tunnels past a door. */
const sight: Readonly<Record<string, readonly number[]>> = { http: [0, 5, 6] }

/** `src/vault/vault.ts` → `vault`; a file that stands alone is its own room. */
export function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

function importFault(from: string, to: string): string | null {
  if (from === to) return null
  if (from === 'ui') return 'the pages know only the public API'
  if (to === 'ui') return `${from} imports the pages, which are built, not imported`
  if (outside.has(from) || outside.has(to)) return 'src/setup.mjs stands alone'
  const above = floors[from]
  const below = floors[to]
  if (above === undefined) return `${from} has no floor`
  if (below === undefined) return `${to} has no floor`
  if (below >= above) return `${from} (floor ${above}) must not see ${to} (floor ${below})`
  const seen = sight[from]
  if (seen && !seen.includes(below)) return `${from} tunnels to ${to} (floor ${below})`
  return null
}

/** Imports that go up, sideways, past a door or out of `src/`. */
export function floorFaults(source: Source): Fault[] {
  return source.imports.flatMap(({ specifier, at }) => {
    const place = `${source.path}:${lineOf(source, at)}`
    if (specifier === '(computed)') {
      // The local stack stands above all rooms, so what it computes breaks no floor.
      return roomOf(source.path) === 'local' ? [] : [`${place} a computed import cannot be checked`]
    }
    const target = targetOf(source, specifier)
    if (target === null) return []
    if (!target.startsWith('src/')) return [`${place} imports ${target}, outside src/`]
    const fault = importFault(roomOf(source.path), roomOf(target))
    return fault === null ? [] : [`${place} ${fault}`]
  })
}

/** Groups of files that import one another (strongly connected components, Tarjan 1972). */
export function cycles(sources: readonly Source[]): string[][] {
  const edges = new Map(
    sources.map((source) => [
      source.path,
      source.imports.flatMap(({ specifier }) => targetOf(source, specifier) ?? [])
    ])
  )
  const index = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []

  const visit = (path: string): number => {
    const own = index.size
    index.set(path, own)
    stack.push(path)
    let lowest = own
    for (const next of edges.get(path) ?? []) {
      if (!edges.has(next)) continue
      if (!index.has(next)) lowest = Math.min(lowest, visit(next))
      else if (stack.includes(next)) lowest = Math.min(lowest, index.get(next) ?? own)
    }
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(path))
      if (group.length > 1 || edges.get(path)?.includes(path)) found.push(group.sort())
    }
    return lowest
  }
  for (const path of edges.keys()) if (!index.has(path)) visit(path)
  return found
}
