import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startIdentityProvider } from '../../src/local/identity-provider.ts'
import { logIn } from '../../src/local/weft-client.ts'
import { createEmptyDatabase, type EmptyDatabase, launch } from './server.ts'

let database: EmptyDatabase
let closers: (() => unknown)[] = []

beforeEach(async () => {
  database = await createEmptyDatabase()
  closers = [database.drop]
})

afterEach(async () => {
  for (const close of closers.reverse()) await close()
})

const key = randomBytes(32).toString('base64')

async function serve(env: Readonly<Record<string, string>>) {
  const server = await launch(env)
  closers.push(() => server.stop())
  return server
}

const withOwner = () => ({
  WEFT_DATABASE_URL: database.appUrl,
  WEFT_OWNER_DATABASE_URL: database.ownerUrl,
  WEFT_KEY_RING: `test-1:${key}`
})

describe('Weft alone', { timeout: 120_000 }, () => {
  test('migrates, gets ready, logs people in and loads no file of the local stack', async () => {
    const coverage = mkdtempSync(join(tmpdir(), 'weft-coverage-'))
    closers.push(() => rmSync(coverage, { recursive: true, force: true }))
    const loginSecret = randomBytes(16).toString('hex')
    const person = { email: 'ada@acme.test', name: 'Ada' }
    const client = { clientId: 'weft', clientSecret: loginSecret, redirectUris: [] as string[] }
    const provider = await startIdentityProvider({ port: 0, people: [person], clients: [client] })
    closers.push(provider.stop)
    const server = await serve({
      ...withOwner(),
      NODE_V8_COVERAGE: coverage,
      WEFT_BOOTSTRAP_TENANT: 'acme',
      WEFT_BOOTSTRAP_ADMIN: person.email,
      WEFT_LOGIN_ISSUER: provider.url,
      WEFT_LOGIN_CLIENT_ID: client.clientId,
      WEFT_LOGIN_CLIENT_SECRET: loginSecret
    })
    expect(await server.isReady, server.output()).toBe(true)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    provider.putClient({ ...client, redirectUris: [`${server.url}/auth/callback/*`] })

    const admin = await logIn(server.url, 'acme', person.email)
    const me = await admin.expect(200, 'GET', '/api/v1/me')
    expect(me).toMatchObject({ user: { email: person.email }, role: 'tenant_admin' })

    expect(await server.stop('SIGTERM')).toBe(0)
    const loaded = scriptsIn(coverage)
    expect(loaded).toContain('src/main.ts')
    expect(loaded).toContain('src/store/db.ts')
    expect(loaded.filter((path) => path.startsWith('src/local/'))).toEqual([])
    for (const secret of [...database.secrets, key, loginSecret]) {
      expect(server.output()).not.toContain(secret)
    }
  })

  test('starts as two replicas at once on an empty database, and both get ready', async () => {
    const replicas = await Promise.all([serve(withOwner()), serve(withOwner())])
    expect(await Promise.all(replicas.map(({ isReady }) => isReady))).toEqual([true, true])
    for (const { url } of replicas) expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await Promise.all(replicas.map((one) => one.stop('SIGTERM')))).toEqual([0, 0])
  })
})

describe('Weft refuses to start', { timeout: 60_000 }, () => {
  async function expectRefusal(env: Readonly<Record<string, string>>, ...words: RegExp[]) {
    const server = await serve(env)
    expect(await server.ended).toBe(1)
    expect(await server.isReady).toBe(false)
    for (const word of words) expect(server.output()).toMatch(word)
    for (const secret of [...database.secrets, key]) {
      expect(server.output()).not.toContain(secret)
    }
  }

  test('J5 D7 as a superuser', async () => {
    const env = { WEFT_DATABASE_URL: database.superuserUrl, WEFT_KEY_RING: `test-1:${key}` }
    await expectRefusal(env, /WEFT_DATABASE_URL/, /is a superuser/, /bypass row-level security/)
  })

  test('J5 D7 as a role that owns tables', async () => {
    const { pathname } = new URL(database.appUrl)
    await database.query(`CREATE TABLE held (id int)`)
    await database.query(`ALTER TABLE held OWNER TO ${pathname.slice(1)}_app`)
    const env = { WEFT_DATABASE_URL: database.appUrl, WEFT_KEY_RING: `test-1:${key}` }
    await expectRefusal(env, /WEFT_DATABASE_URL/, /owns tables/)
  })

  test('without a key ring', async () => {
    await expectRefusal({ WEFT_DATABASE_URL: database.appUrl }, /WEFT_KEY_RING/)
  })

  test('with a key ring that is too short, whatever else is wrong, and names all of it', async () => {
    const env = { WEFT_DATABASE_URL: database.appUrl, WEFT_KEY_RING: 'k:c2hvcnQ=', WEFT_PORT: 'x' }
    await expectRefusal(env, /WEFT_KEY_RING/, /WEFT_PORT/, /2 faults/)
  })

  test('on a schema that is older than it needs, where it may not migrate', async () => {
    const env = { WEFT_DATABASE_URL: database.appUrl, WEFT_KEY_RING: `test-1:${key}` }
    await expectRefusal(env, /lacks \d{14}_foundation/, /WEFT_OWNER_DATABASE_URL|weft migrate/)
  })

  test('on a database that is not there', async () => {
    const url = new URL(database.appUrl)
    url.port = '1'
    const env = { WEFT_DATABASE_URL: url.href, WEFT_KEY_RING: `test-1:${key}` }
    await expectRefusal(env, /Weft does not start/)
  })
})

/** Paths below the repository of every script that a process ran, as V8 tells at its end. */
function scriptsIn(folder: string): string[] {
  const root = new URL('../../', import.meta.url).href
  return readdirSync(folder).flatMap((name) => {
    const { result }: { result: { url: string }[] } = JSON.parse(
      readFileSync(join(folder, name), 'utf8')
    )
    return result.flatMap(({ url }) => (url.startsWith(root) ? [url.slice(root.length)] : []))
  })
}
