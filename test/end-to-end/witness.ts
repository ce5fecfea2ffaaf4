import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { StartedStack } from '../support/stack.ts'
import type { Haystack } from './needles.ts'

export interface Exchange {
  readonly method: string
  readonly url: URL
  readonly requestHeaders: Headers
  readonly requestBody: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Sees every exchange that this process makes by fetch, until `stop`. */
export function witnessFetch() {
  const real = globalThis.fetch
  const exchanges: Exchange[] = []
  globalThis.fetch = async (input, init = {}) => {
    const answer = await real(input, init)
    exchanges.push({
      method: init.method ?? 'GET',
      url: new URL(String(input)),
      requestHeaders: new Headers(init.headers),
      requestBody: typeof init.body === 'string' ? init.body : '',
      status: answer.status,
      headers: answer.headers,
      text: await answer.clone().text()
    })
    return answer
  }
  const stop = () => {
    globalThis.fetch = real
  }
  return { exchanges, stop }
}

/** The database of a stack, as its superuser, who sees every row. */
export async function openDatabase(stack: StartedStack): Promise<pg.Client> {
  const password = readFileSync(join(stack.dataDir, 'postgres.password'), 'utf8').trim()
  const client = new pg.Client({
    host: '127.0.0.1',
    port: postgresPortOf(stack.child.pid ?? 0),
    user: 'postgres',
    password,
    database: 'weft'
  })
  await client.connect()
  return client
}

/** The `-p` of the Postgres that this process started. */
function postgresPortOf(parent: number): number {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      const isOurs = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
      if (isOurs && args[0]?.endsWith('postgres')) return Number(args[args.indexOf('-p') + 1])
    } catch {
      // it has ended since
    }
  }
  throw new TypeError('the stack has no Postgres')
}

/** Every row of every table with all its columns as text (bytes as hex), one haystack a table. */
export async function readTables(client: pg.Client): Promise<Haystack[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`
  )
  const haystacks: Haystack[] = []
  for (const { name } of tables) {
    const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t`)
    haystacks.push({ name: `table ${name}`, text: rows.map(({ text }) => text).join('\n') })
  }
  return haystacks
}
