import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lock, productionPaths } from '../house/lockfile.ts'
import { sbomOf } from '../house/sbom.ts'
import { readText, root } from '../house/source.ts'

/**
 * The tree that the Dockerfile's steps lay out, without its daemon: what .dockerignore lets in, less what the steps take
 * out, and of node_modules what the lockfile says stays after the prune.
 */
function layOut(image: string): void {
  const copied = [...readText('Dockerfile').matchAll(/^COPY --from=build \/weft\/(\S+) /gm)]
  const laidOut = ['node_modules', 'compiled']
  for (const [, name = ''] of copied.filter(([, name = '']) => !laidOut.includes(name))) {
    cpSync(join(root, name), join(image, name), { recursive: true })
  }
  const ignored = readText('.dockerignore').split('\n')
  const made = ['src/store/generated', 'src/ui/generated', 'src/ui/dist']
  for (const path of ignored.filter((one) => one.startsWith('src/') && !made.includes(one))) {
    rmSync(join(image, path), { recursive: true, force: true })
  }
  rmSync(join(image, 'src/ui'), { recursive: true })
  cpSync(join(root, 'src/ui/dist'), join(image, 'src/ui/dist'), { recursive: true })
  for (const path of productionPaths(lock)) {
    const into = dirname(join(image, path))
    mkdirSync(into, { recursive: true })
    copy(join(root, path), into)
    // Packages that lie inside come by themselves or not at all.
    rmSync(join(image, path, 'node_modules'), { recursive: true, force: true })
  }
  const env = { NODE_COMPILE_CACHE: join(image, 'compiled') }
  execFileSync(process.execPath, ['src/main.ts', '--help'], { cwd: image, env })
}

/** By hard links where the two are on one file system: it is many files. */
function copy(from: string, into: string): void {
  const { status } = spawnSync('cp', ['-rl', from, into])
  if (status !== 0) execFileSync('cp', ['-r', from, into])
}

const checker = join(root, 'deploy/image/check.mjs')
const look = (image: string) => spawnSync(process.execPath, [checker, image], { encoding: 'utf8' })

let image: string

beforeAll(() => {
  image = mkdtempSync(join(tmpdir(), 'weft-image-'))
  layOut(image)
}, 120_000)

afterAll(() => rmSync(image, { recursive: true, force: true }))

describe('the tree of an image', () => {
  test('J6 holds Weft and nothing else, and runs', () => {
    const { stdout, status } = look(image)
    expect(stdout).not.toMatch(/^WRONG/m)
    expect(stdout).toMatch(/^good {2}it runs$/m)
    expect(status).toBe(0)
  })

  test('J4 holds what the bill of materials names, and what is loaded late is among it', () => {
    const { components } = sbomOf(lock)
    expect(components.map((one) => one['bom-ref'])).toEqual(productionPaths(lock))
    const late = ['@aws-sdk/client-kms', '@azure/keyvault-keys', 'google-auth-library']
    const program = `for (const name of ${JSON.stringify(late)}) await import(name)`
    const args = ['--input-type=module', '-e', program]
    expect(execFileSync(process.execPath, args, { cwd: image, encoding: 'utf8' })).toBe('')
  }, 60_000)

  test('J6 what is planted is seen', () => {
    for (const planted of ['.env', 'src/local', 'src/ui/dist/maps', 'node_modules/vitest']) {
      mkdirSync(join(image, planted))
      writeFileSync(join(image, planted, 'main.js.map'), '')
    }
    const { stdout, status } = look(image)
    expect(stdout.match(/^WRONG .*$/gm)).toEqual([
      'WRONG nothing but Weft: .env',
      expect.stringMatching(/source maps: (\S+(, )?){3}$/),
      expect.stringMatching(/tools of development: \S+vitest$/)
    ])
    expect(status).toBe(1)
  })
})
