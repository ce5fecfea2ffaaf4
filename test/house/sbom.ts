import { type Lock, lock, nameOf, productionPaths } from './lockfile.ts'
import { readText } from './source.ts'

/** The package URL of an npm package (https://github.com/package-url/purl-spec). */
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')
}

function componentOf(packages: Lock, path: string) {
  const { version = '', integrity = '', license } = packages[path] ?? {}
  const name = nameOf(path)
  return {
    type: 'library',
    'bom-ref': path,
    name,
    version,
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }],
    purl: purlOf(name, version)
  }
}

/** Where `path` finds its dependency `name`, as Node looks for it. */
function placeOf(packages: Lock, path: string, name: string): string | undefined {
  const own = `${path === '' ? '' : `${path}/`}node_modules/${name}`
  if (packages[own]) return own
  if (path === '') return undefined
  const at = path.lastIndexOf('/node_modules/')
  return placeOf(packages, at < 0 ? '' : path.slice(0, at), name)
}

/**
 * What an image of Weft is made of besides Node, as CycloneDX 1.6. Made of the lockfile alone: the same lockfile
 * gives the same text. `npm sbom` leaves out what tools share with production, so it cannot be used.
 */
export function sbomOf(packages: Lock) {
  const { name, version, license }: Readonly<Record<string, string>> = JSON.parse(
    readText('package.json')
  )
  const paths = productionPaths(packages)
  const dependsOn = (path: string) =>
    Object.keys(packages[path]?.dependencies ?? {})
      .map((one) => placeOf(packages, path, one))
      .filter((one) => one !== undefined && paths.includes(one))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': 'weft',
        name,
        version,
        licenses: [{ license: { id: license } }]
      }
    },
    components: paths.map((path) => componentOf(packages, path)),
    dependencies: ['', ...paths].map((path) => ({
      ref: path || 'weft',
      dependsOn: dependsOn(path)
    }))
  }
}

export const sbomText = (): string => `${JSON.stringify(sbomOf(lock), null, 2)}\n`
