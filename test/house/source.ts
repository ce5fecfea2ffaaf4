import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseAst } from 'vitest/node'

export const root = join(import.meta.dirname, '..', '..')

/** A breach of the house's rules, as a line that names the place. */
export type Fault = string

export interface Node {
  readonly type: string
  readonly start: number
  readonly [member: string]: unknown
}

export interface Import {
  /** As written. */
  readonly specifier: string
  readonly at: number
}

export interface Source {
  /** From the repository's root, with forward slashes: `src/vault/vault.ts`. */
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly nodes: readonly Node[]
  readonly imports: readonly Import[]
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

function collect(value: unknown, into: Node[]): Node[] {
  if (Array.isArray(value)) for (const item of value) collect(item, into)
  if (!isNode(value)) return into
  into.push(value)
  for (const member of Object.values(value)) collect(member, into)
  return into
}

const importing = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
  'TSExternalModuleReference'
])

/** Every import of a node: static, dynamic, type-only, re-exported. */
function importOf(node: Node): Import[] {
  if (!importing.has(node.type)) return []
  const source = node.source ?? node.expression
  if (!isNode(source)) return []
  const specifier = typeof source.value === 'string' ? source.value : '(computed)'
  return [{ specifier, at: node.start }]
}

export function parseSource(path: string, text: string): Source {
  const lang = path.endsWith('x') ? 'tsx' : path.endsWith('.ts') ? 'ts' : 'js'
  const nodes = collect(parseAst(text, { lang, sourceType: 'module' }, path), [])
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  return { path, text, lines, nodes, imports: nodes.flatMap(importOf) }
}

export function lineOf(source: Source, offset: number): number {
  return source.text.slice(0, offset).split('\n').length
}

/** The file of the house that an import names, or null for a package. */
export function targetOf(source: Source, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  return posix.normalize(posix.join(posix.dirname(source.path), specifier))
}

/** The package that an import names: `@scope/name` or `name`, `node:fs` as it is. */
export function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.')) return null
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** Not ours: written by programs, and not in git. */
const made = new Set(['src/store/generated', 'src/ui/generated', 'src/ui/dist'])
const skipped = new Set(['node_modules', '.git', '.data', 'coverage'])

function walk(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = posix.join(folder, name)
    if (skipped.has(name) || made.has(path)) return []
    return statSync(join(root, path)).isDirectory() ? walk(path) : [path]
  })
}

/** Files of the repository: what git holds or would hold; without git, all that is not ignored. */
export function repositoryFiles(): string[] {
  if (!existsSync(join(root, '.git'))) return walk('.').filter((path) => !path.endsWith('.log'))
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  return [...new Set(listed)].filter((path) => path !== '' && existsSync(join(root, path)))
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Every source file under `src/`, parsed; what programs wrote is not ours and not there. */
export function readSources(): Source[] {
  return walk('src')
    .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
    .map((path) => parseSource(path, readText(path)))
}
