import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import pg from 'pg'
import { inject } from 'vitest'
import { portOrFree } from '../../src/local/free-port.ts'
import { repository } from '../support/stack.ts'

/** A database with an owner role and, unless told otherwise, nothing in it. */
export interface EmptyDatabase {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly superuserUrl: string
  readonly secrets: readonly string[]
  /** As the superuser. */
  query(sql: string): Promise<void>
  drop(): Promise<void>
}

export async function createEmptyDatabase(): Promise<EmptyDatabase> {
  const name = `weft_${randomBytes(6).toString('hex')}`
  const [owner, app] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
  const urlFor = (user?: string, password?: string) => {
    const url = new URL(inject('superuserUrl'))
    if (user !== undefined) url.username = user
    if (password !== undefined) url.password = password
    url.pathname = `/${name}`
    return url.href
  }
  await run(inject('superuserUrl'), [
    `CREATE ROLE ${name}_owner LOGIN CREATEROLE PASSWORD '${owner}'`,
    `CREATE ROLE ${name}_app LOGIN PASSWORD '${app}'`,
    `CREATE DATABASE ${name} OWNER ${name}_owner`
  ])
  return {
    ownerUrl: urlFor(`${name}_owner`, owner),
    appUrl: urlFor(`${name}_app`, app),
    superuserUrl: urlFor(),
    secrets: [owner, app, new URL(inject('superuserUrl')).password],
    query: (sql) => run(urlFor(), [sql]),
    drop: () =>
      run(inject('superuserUrl'), [
        `DROP DATABASE ${name} WITH (FORCE)`,
        `DROP ROLE ${name}_app, ${name}_owner`
      ])
  }
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const sql of statements) await client.query(sql)
  } finally {
    await client.end()
  }
}

/** `node src/main.ts` with nothing in its environment but `env` and where Node keeps what it compiled. */
export async function launch(env: Readonly<Record<string, string>>) {
  const port = await portOrFree(0)
  const url = `http://localhost:${port}`
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: repository,
    env: {
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      WEFT_PORT: String(port),
      WEFT_ADMIN_PORT: '0',
      WEFT_PUBLIC_URL: url,
      ...env
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  const { promise: isReady, resolve } = Promise.withResolvers<boolean>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('"msg":"ready"')) resolve(true)
    })
  }
  const ended = new Promise<number | null>((settle) => {
    child.once('close', (code) => {
      resolve(false)
      settle(code)
    })
  })
  return {
    url,
    output: () => output,
    /** Whether it came to serve before it ended. */
    isReady,
    ended,
    stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM') {
      child.kill(signal)
      return ended
    }
  }
}
