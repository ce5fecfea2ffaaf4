import { describe, expect, test } from 'vitest'
import { type Fault, readText } from './source.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  /** Only tests and tools load it; it never serves anybody. */
  readonly dev?: boolean
}

type Lock = Readonly<Record<string, Locked>>

/** The oldest versions without a known hole, and packages that are not to be used at all. */
const oldest: Readonly<Record<string, string>> = {
  fastify: '5.12.6',
  undici: '8.12.4',
  'openid-client': '6.8.9'
}
const refused = ['@fastify/reply-from', '@fastify/http-proxy', 'fast-proxy']

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => parseInt(part, 10)))
  const differs = [0, 1, 2].find((at) => a?.[at] !== b?.[at])
  return differs !== undefined && (a?.[differs] ?? 0) < (b?.[differs] ?? 0)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function floorFaults(lock: Lock): Fault[] {
  return Object.entries(lock).flatMap(([path, { version = '0.0.0', dev = false }]) => {
    const name = nameOf(path)
    // A client that the tests use as it is brings what it was made with.
    if (dev && path.includes('/node_modules/')) return []
    const floor = oldest[name]
    if (refused.includes(name)) return [`${path} must not be used`]
    return floor && isOlder(version, floor) ? [`${path} ${version} is older than ${floor}`] : []
  })
}

/** The lockfile names no host: packages come from the registry that npm is set to, and the hash vouches. */
function lockFaults(lock: Lock): Fault[] {
  return Object.entries(lock).flatMap(([path, { integrity, resolved, link }]) => {
    if (path === '') return []
    const faults: Fault[] = []
    if (link || !integrity?.startsWith('sha512-')) faults.push(`${path} has no sha512`)
    if (resolved) faults.push(`${path} names where it comes from`)
    return faults
  })
}

function versionFaults(manifest: Manifest): Fault[] {
  const all = { ...manifest.dependencies, ...manifest.devDependencies }
  return Object.entries(all)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    .map(([name, version]) => `${name} ${version} is not an exact version`)
}

function reasonFaults(manifest: Manifest, readme: string): Fault[] {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  const [, section = ''] =
    /^#+ [^\n]*dependenc[^\n]*\n(.*?)(?=^#+ |$(?![\s\S]))/ims.exec(readme) ?? []
  const listed = [...section.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)]
  const rows = new Map(listed.map(([, name = '', reason = '']) => [name, reason.trim()]))
  const silent = names.filter((name) => !rows.get(name)).map((name) => `${name} has no reason`)
  const gone = [...rows.keys()]
    .filter((name) => !names.includes(name))
    .map((name) => `${name} has a reason, and is not used`)
  return [...silent, ...gone]
}

const manifest: Manifest = JSON.parse(readText('package.json'))
const lock: Lock = JSON.parse(readText('package-lock.json')).packages

describe('dependencies as they stand', () => {
  test('J2 none is older than its floor, and no proxy library is among them', () => {
    expect(floorFaults(lock)).toEqual([])
  })

  test('J3 every version is exact', () => {
    expect(versionFaults(manifest)).toEqual([])
  })

  test('J3 every locked package has its sha512 and names no host', () => {
    expect(Object.keys(lock).length).toBeGreaterThan(100)
    expect(lockFaults(lock)).toEqual([])
  })

  test('every dependency has its reason in the README', () => {
    expect(reasonFaults(manifest, readText('README.md'))).toEqual([])
  })
})

describe('a planted fault is seen', () => {
  test.each([
    ['node_modules/fastify', '5.12.5'],
    ['node_modules/a/node_modules/undici', '7.99.0'],
    ['node_modules/openid-client', '6.8.8'],
    ['node_modules/@fastify/reply-from', '12.7.0'],
    ['node_modules/@fastify/http-proxy', '99.0.0']
  ])('J2 %s %s', (path, version) => {
    expect(floorFaults({ [path]: { version } })).toHaveLength(1)
    expect(floorFaults({ 'node_modules/fastify': { version: '5.13.0' } })).toEqual([])
  })

  test('J2 but what a tool of the tests keeps to itself is its own', () => {
    const path = 'node_modules/a/node_modules/openid-client'
    expect(floorFaults({ [path]: { version: '5.7.1', dev: true } })).toEqual([])
    expect(floorFaults({ [path]: { version: '5.7.1' } })).toHaveLength(1)
  })

  test.each(['^1.2.3', '~1.2.3', '1.x', 'latest', 'git+https://example.org/a.git', 'file:../a'])(
    'J3 version %s',
    (version) => {
      const planted = { dependencies: {}, devDependencies: { a: version } }
      expect(versionFaults(planted)).toHaveLength(1)
    }
  )

  test.each<[string, Locked]>([
    ['no integrity', { version: '1.0.0' }],
    ['sha1', { version: '1.0.0', integrity: 'sha1-AAAA' }],
    ['a link', { link: true, integrity: 'sha512-AAAA' }],
    ['a host', { integrity: 'sha512-AAAA', resolved: 'https://example.org/a.tgz' }]
  ])('J3 %s', (_what, entry) => {
    expect(lockFaults({ '': {}, 'node_modules/a': entry })).toHaveLength(1)
  })

  test('a dependency without a reason, and a reason without a dependency', () => {
    const planted = { dependencies: { pg: '8.0.0', jose: '6.0.0' }, devDependencies: {} }
    const table = '| `pg` | the driver |\n| `jose` |  |\n| `left-pad` | pads |\n'
    const readme = `# Weft\n\n| \`vault\` | a room |\n\n## Dependencies\n\n${table}\n## License\n`
    expect(reasonFaults(planted, readme)).toEqual([
      'jose has no reason',
      'left-pad has a reason, and is not used'
    ])
  })
})
