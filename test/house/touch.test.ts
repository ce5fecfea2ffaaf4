import { describe, expect, test } from 'vitest'
import { castFaults, nameFaults, sizeFaults } from './measure.ts'
import { parseSource, readSources, repositoryFiles } from './source.ts'
import { rules, touchFaults } from './touch.ts'

const sources = readSources()

/** All that stands at the top of the repository. */
const topLevel = [
  '.ci',
  '.dockerignore',
  '.npmrc',
  '.env.example',
  '.gitignore',
  'CHANGELOG.md',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'biome.json',
  'deploy',
  'docker-compose.yml',
  'docs',
  'package-lock.json',
  'package.json',
  'prisma',
  'prisma.config.ts',
  'src',
  'test',
  'tsconfig.json',
  'vitest.config.ts'
]

describe('the house as it stands', () => {
  test('each thing is touched only where it may be', () => {
    expect(sources.flatMap(touchFaults)).toEqual([])
  })

  test('files are short: none over 350 lines, 90 % up to 220, the median up to 90', () => {
    expect(sizeFaults(sources)).toEqual([])
  })

  test('casts are rare: up to 3 in a thousand lines', () => {
    expect(castFaults(sources)).toEqual([])
  })

  test('files are named after what they hold, in kebab-case, and none is a drawer', () => {
    const files = repositoryFiles().filter((path) => /^(src|test)\/.*(?<!README\.md)$/.test(path))
    expect(files.flatMap(nameFaults)).toEqual([])
  })

  test('nothing new stands at the top of the repository', () => {
    const found = new Set(repositoryFiles().map((path) => path.split('/')[0]))
    expect([...found].sort()).toEqual([...topLevel].sort())
  })
})

describe('a planted fault is seen', () => {
  const planted: [thing: string, path: string, text: string][] = [
    ['process.env', 'src/config/config.ts', 'export const a = process.env.A'],
    ['process.env', 'src/config/config.ts', "export const a = globalThis.process['env']"],
    ['process.env', 'src/config/config.ts', "import { env } from 'node:process'"],
    ['signals and exit', 'src/app.ts', 'process.exit(1)'],
    ['signals and exit', 'src/app.ts', "process.once('SIGTERM', stop)"],
    ['process.kill', 'src/app.ts', "process.kill(process.pid, 'SIGTERM')"],
    ['fastify', 'src/gateway/a.ts', "import type { FastifyInstance } from 'fastify'"],
    ['fastify', 'src/identity/a.ts', "import cookie from '@fastify/cookie'"],
    ['undici and fetch', 'src/oauth/a.ts', "import { Agent } from 'undici'"],
    ['undici and fetch', 'src/oauth/a.ts', "import Pool from 'undici/lib/dispatcher/pool.js'"],
    ['undici and fetch', 'src/oauth/a.ts', "await fetch('https://a')"],
    ['undici and fetch', 'src/oauth/a.ts', "await globalThis.fetch('https://a')"],
    ['undici and fetch', 'src/ui/pages/a/b.tsx', "await fetch('/api/v1/me')"],
    [
      'clients of key management services',
      'src/vault/a.ts',
      "const aws = await import('@aws-sdk/client-kms')"
    ],
    ['Prisma', 'src/vault/a.ts', "import { PrismaClient } from '@prisma/client'"],
    ['OpenTelemetry', 'src/vault/a.ts', "import { trace } from '@opentelemetry/api'"],
    ['pg', 'src/vault/a.ts', "import pg from 'pg'"],
    ['openid-client', 'src/identity/sessions.ts', "import * as client from 'openid-client'"],
    ['jose', 'src/http/a.ts', "import { jwtVerify } from 'jose'"],
    ['reveal() of a Secret', 'src/http/a.ts', 'send(secret.reveal())'],
    ['reveal() of a Secret', 'src/store/a.ts', 'row.secret?.reveal()'],
    ['making a TenantScope', 'src/http/a.ts', 'const scope = makeTenantScope(id, actor)'],
    ["the machine's time of day", 'src/vault/a.ts', 'const at = new Date()'],
    ["the machine's time of day", 'src/vault/a.ts', 'const at = Date.now()'],
    ['performance.now', 'src/gateway/a.ts', 'const at = performance.now()'],
    ['console', 'src/app.ts', "console.error('no')"],
    ['the local stack', 'src/identity/a.ts', "import Provider from 'oidc-provider'"],
    ['SQL by string (D10)', 'src/store/a.ts', 'db.$queryRawUnsafe(text)'],
    ['SQL by string (D10)', 'src/store/a.ts', 'db.$executeRawUnsafe(text)'],
    ['SQL by string (D10)', 'src/store/a.ts', 'db.$queryRaw(Prisma.raw(text))'],
    ['throw new Error', 'src/vault/a.ts', "throw new Error('no')"],
    ['any', 'src/vault/a.ts', 'export function a(b: any) {}']
  ]
  test.each(planted)('%s in %s: %s', (thing, path, text) => {
    expect(touchFaults(parseSource(path, text))).toContain(`${path}:1 touches ${thing}`)
  })

  test('every rule has a planted fault', () => {
    expect(new Set(planted.map(([thing]) => thing))).toEqual(
      new Set(rules.map(({ thing }) => thing))
    )
  })

  test('what is allowed is not', () => {
    const texts: [string, string][] = [
      ['src/main.ts', "process.env.A\nprocess.once('SIGTERM', stop)\nconsole.error(1)"],
      ['src/vault/a.ts', "const at = new Date(0)\nprocess.on('warning', log)\nthis.process.env"],
      ['src/crypto/a.ts', "import { CompactEncrypt } from 'jose'\nkey.reveal()"],
      ['src/identity/login-oidc.ts', "import * as client from 'openid-client'"],
      ['src/local/workspace/token.ts', "import { SignJWT } from 'jose'\nDate.now()\nfetch(url)"]
    ]
    expect(texts.flatMap(([path, text]) => touchFaults(parseSource(path, text)))).toEqual([])
  })

  test('a long file, a long median, a long tail', () => {
    const files = (...lines: number[]) => lines.map((count) => ({ path: 'a', lines: count }))
    expect(sizeFaults(files(351, ...Array(10).fill(10)))).toEqual(['a has 351 lines'])
    expect(sizeFaults(files(91, 91, 91, 10))).toEqual(['the median file has 91 lines'])
    const tail = sizeFaults(files(221, 221, ...Array(17).fill(10)))
    expect(tail).toEqual(['more than a tenth of the files is over 220 lines'])
  })

  test('a cast too many, of either spelling, and none for `as const`', () => {
    const lines = 'let a\n'.repeat(330)
    expect(castFaults([parseSource('a.ts', `${lines}const b = a as B\n`)])).toEqual([])
    const two = parseSource('a.ts', `${lines}const b = a as B\nconst c = <C>a\n`)
    expect(castFaults([two])).toEqual(['2 casts, 1 allowed', 'a.ts:331', 'a.ts:332'])
    expect(castFaults([parseSource('a.ts', 'const a = [1] as const')])).toEqual([])
  })

  test('a drawer for anything, and a name in another case', () => {
    expect(nameFaults('src/vault/helpers/a.ts')).toHaveLength(1)
    expect(nameFaults('src/vault/utils.ts')).toHaveLength(1)
    expect(nameFaults('src/vault/tokenState.ts')).toHaveLength(1)
    expect(nameFaults('src/vault/token-state.ts')).toEqual([])
  })
})
