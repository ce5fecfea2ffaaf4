import { describe, expect, test } from 'vitest'
import { type Fault, readText } from './source.ts'

/** The lines of a service in a compose file of two-space steps, without comments. */
function serviceOf(compose: string, name: string): string[] {
  const lines = compose.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  const from = lines.indexOf(`  ${name}:`)
  const rest = lines.slice(from + 1)
  const end = rest.findIndex((line) => /^ {0,2}\S/.test(line))
  return from < 0 ? [] : rest.slice(0, end < 0 ? undefined : end)
}

const hardening: readonly [what: string, line: RegExp][] = [
  ['a user that is not root', /^ {4}user: (?!root|0)\S+$/],
  ['a read-only root', /^ {4}read_only: true$/],
  ['no capabilities', /^ {4}cap_drop: \[ALL\]$/],
  ['no new privileges', /^ {4}security_opt: \['no-new-privileges:true'\]$/]
]

function composeFaults(compose: string): Fault[] {
  const services = ['postgres', 'weft']
  const missing = services.flatMap((name) =>
    hardening
      .filter(([, line]) => !serviceOf(compose, name).some((found) => line.test(found)))
      .map(([what]) => `${name}: ${what} is missing`)
  )
  const plain = services
    .flatMap((name) => serviceOf(compose, name))
    .filter(
      (line) => /(PASSWORD|SECRET|KEY_RING|_URL): /.test(line) && !/\$\{\w+:(\?|-\}$)/.test(line)
    )
    .map((line) => `${line.trim()} is not asked for`)
  const risky = compose
    .split('\n')
    .filter((line) => /privileged:|network_mode:|docker\.sock|cap_add:|pid:/.test(line))
    .map((line) => `${line.trim()} is not allowed`)
  return [...missing, ...plain, ...risky]
}

/** The instructions of the last stage, continued lines joined. */
function finalStageOf(dockerfile: string): string[] {
  const joined = dockerfile.replaceAll(/\\\n\s*/g, '').split('\n')
  const lines = joined.filter((line) => !/^\s*(#|$)/.test(line))
  return lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
}

function imageFaults(dockerfile: string): Fault[] {
  const final = finalStageOf(dockerfile)
  const wanted: [string, RegExp][] = [
    ['a Node 24 image of an exact version', /^FROM node:24\.\d+\.\d+-slim$/],
    ['a user that is not root', /^USER (?!root|0)\S+$/],
    ['production settings', /^ENV NODE_ENV=production$/],
    ['a health check without a shell', /^HEALTHCHECK .*CMD \["node"/],
    ['Weft as the first process', /^CMD \["node", "src\/main\.ts"\]$/]
  ]
  const missing = wanted
    .filter(([, line]) => !final.some((found) => line.test(found)))
    .map(([what]) => `${what} is missing`)
  const copied = final
    .filter((line) => line.startsWith('COPY '))
    .filter(
      (line) => !/^COPY --from=build \/weft\/(package\.json|node_modules|prisma|src) /.test(line)
    )
    .map((line) => `${line} brings in something else`)
  const isRootAgain = final.findLastIndex((line) => line.startsWith('USER ')) < final.length - 4
  return [...missing, ...copied, ...(isRootAgain ? ['something follows after USER'] : [])]
}

const compose = readText('docker-compose.yml')
const dockerfile = readText('Dockerfile')

describe('the container as it stands', () => {
  test('J6 both services run without root, capabilities or a writable root, secrets are asked for', () => {
    expect(composeFaults(compose)).toEqual([])
  })

  test('J6 the image runs Node 24 as another user than root, and holds nothing but Weft', () => {
    expect(imageFaults(dockerfile)).toEqual([])
  })

  test('J6 only what is named goes into a build: no tests, no .git, no .env, no local stack', () => {
    const lines = readText('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines[0]).toBe('*')
    const named = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    const allowed = ['package.json', 'package-lock.json', 'prisma.config.ts', 'prisma', 'src']
    // The pages are built from these two.
    expect(named).toEqual([...allowed, 'tsconfig.json', 'docs/openapi.json'])
    expect(lines).toContain('src/local')
  })

  test('D7 the database in compose gives Weft an owner role that is no superuser', () => {
    const script = readText('deploy/postgres/create-owner.sh')
    expect(script).toMatch(/CREATE ROLE weft_owner LOGIN CREATEROLE PASSWORD/)
    expect(script).not.toMatch(/\bSUPERUSER|\bBYPASSRLS/)
    expect(compose).toMatch(/WEFT_OWNER_DATABASE_URL: postgresql:\/\/weft_owner:/)
    expect(compose).toMatch(/WEFT_DATABASE_URL: postgresql:\/\/weft_app:/)
    expect(compose).toMatch(/^ {4}image: postgres:18$/m)
  })
})

describe('a planted fault is seen', () => {
  test.each([
    ['    read_only: true\n', ''],
    ['    cap_drop: [ALL]\n', ''],
    ['    user: node\n', '    user: root\n'],
    ["    security_opt: ['no-new-privileges:true']\n", ''],
    ['    build: .\n', '    build: .\n    privileged: true\n'],
    [/\$\{WEFT_KEY_RING:\?[^}]*\}/, 'k1:AAAA'],
    [/\$\{POSTGRES_PASSWORD:\?[^}]*\}/, 'postgres']
  ])('compose: %s → %s', (from, to) => {
    expect(compose).toMatch(from)
    expect(composeFaults(compose.replace(from, () => to))).toHaveLength(1)
  })

  test.each([
    ['USER node\n', 'USER root\n'],
    ['USER node\n', ''],
    [/node:24[^\s]*$/m, 'node:20-slim'],
    ['COPY --from=build /weft/src ./src\n', 'COPY . .\n'],
    ['CMD ["node", "src/main.ts"]', 'CMD npm start'],
    ['ENV NODE_ENV=production\n', '']
  ])('Dockerfile: %s → %s', (from, to) => {
    const at = dockerfile.lastIndexOf('FROM ')
    const planted = dockerfile.slice(0, at) + dockerfile.slice(at).replace(from, to)
    expect(imageFaults(planted).length).toBeGreaterThan(0)
  })
})
