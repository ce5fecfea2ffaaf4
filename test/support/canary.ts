import { inspect } from 'node:util'
import type { TestDatabase } from './database.ts'
import { asSuperuserOf } from './vault-world/rows.ts'

/** Where a secret must not be, as one text. */
export function textOfError(error: unknown): string {
  const parts: string[] = []
  const seen = new Set<unknown>()
  for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at)
    parts.push(at.name, at.message, at.stack ?? '')
  }
  const all = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true } as const
  return [...parts, inspect(error, all), inspect(error), String(JSON.stringify(error))].join('\n')
}

/** Every row of every table, as the superuser reads them. */
export async function textOfDatabase(database: TestDatabase): Promise<string> {
  return await asSuperuserOf(database, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`
    )
    const texts: string[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(
        `SELECT row_to_json(one)::text AS text FROM ${name} AS one`
      )
      texts.push(...rows.map(({ text }) => `${name}: ${text}`))
    }
    return texts.join('\n')
  })
}

/** The canaries that a text holds, in clear or in a common encoding; each with the words before it. */
export function canariesIn(text: string, canaries: Iterable<string>): string[] {
  const found: string[] = []
  for (const canary of canaries) {
    for (const form of formsOf(canary)) {
      const at = text.indexOf(form)
      if (at >= 0) found.push(`…${text.slice(Math.max(0, at - 80), at)}⟨${canary.slice(0, 12)}…⟩`)
    }
  }
  return found
}

function formsOf(canary: string): Set<string> {
  const bytes = Buffer.from(canary)
  return new Set([
    canary,
    encodeURIComponent(canary),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex')
  ])
}
