import type pg from 'pg'
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
