import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { PublicUrl } from '../public-url.ts'

const folder = join(import.meta.dirname, '..', '..', 'ui', 'dist')
const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}
const codings = [
  ['br', '.br'],
  ['gzip', '.gz']
] as const

/** A built file in every coding that it has; its name holds its hash, so it never changes. */
export interface ConsoleFile {
  readonly type: string
  readonly etag: string
  readonly plain: Buffer
  readonly coded: ReadonlyMap<string, Buffer>
}

export interface ConsoleFiles {
  /** `assets/index-….js` and the like. */
  readonly files: ReadonlyMap<string, ConsoleFile>
  /** The page that all paths of the console show. @param nonce of this one answer */
  page(nonce: string, publicUrl: PublicUrl): string
}

function readFileOf(path: string, names: ReadonlySet<string>): ConsoleFile {
  const plain = readFileSync(join(folder, path))
  const coded = new Map<string, Buffer>()
  for (const [coding, ending] of codings) {
    if (names.has(path + ending)) coded.set(coding, readFileSync(join(folder, path + ending)))
  }
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type: types[extname(path)] ?? 'application/octet-stream', etag, plain, coded }
}

/**
 * The pages as the set-up built them, read once, before anything listens: three hundred small files take twice as long
 * where each is waited for. Null: not built.
 * @param fabricDomain below which fabrics have hosts of their own; null: they have none
 */
export function readConsole(fabricDomain: string | null): ConsoleFiles | null {
  if (!existsSync(join(folder, 'index.html'))) return null
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const names = new Set(found.map((path) => path.replaceAll('\\', '/')))
  const files = new Map<string, ConsoleFile>()
  for (const path of names) if (types[extname(path)]) files.set(path, readFileOf(path, names))
  const html = readFileSync(join(folder, 'index.html'), 'utf8')
  return {
    files,
    page: (nonce, publicUrl) =>
      html
        .replaceAll('"./', `"${publicUrl.pathOf('/console/')}`)
        .replaceAll('{{prefix}}', publicUrl.pathOf(''))
        .replaceAll('{{fabricDomain}}', fabricDomain ?? '')
        .replaceAll('{{nonce}}', nonce)
  }
}

/** The best coding that the client takes and the file has; null: as it is. */
export function codingOf(accepted: string | undefined, file: ConsoleFile): string | null {
  const taken = (accepted ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
    .map((part) => part.split(';')[0]?.trim())
  return (
    codings
      .map(([coding]) => coding)
      .find((coding) => taken.includes(coding) && file.coded.has(coding)) ?? null
  )
}
