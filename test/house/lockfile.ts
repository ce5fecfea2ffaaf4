import { readText } from './source.ts'

export interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly license?: string
  readonly hasInstallScript?: boolean
  /** Only tests and tools load it; it never serves anybody. */
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optional?: boolean
  readonly peer?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

/** By path in node_modules; '' is Weft itself. */
export type Lock = Readonly<Record<string, Locked>>

export const lock: Lock = JSON.parse(readText('package-lock.json')).packages

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

/** Paths of what stays in the image once development's, optional and peer packages are taken out. */
export function productionPaths(packages: Lock): string[] {
  return Object.entries(packages)
    .filter(([path, one]) => path !== '' && !one.dev && !one.devOptional)
    .filter(([, one]) => !one.optional && !one.peer)
    .map(([path]) => path)
}
