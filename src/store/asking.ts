import type pg from 'pg'
import type { Prisma } from './generated/client.ts'

declare const answer: unique symbol

/** A statement that only reads, and what its rows are once their columns have the names that Prisma gives them. */
export interface Question<T> {
  readonly sql: Prisma.Sql
  readonly [answer]?: T
}

/** The rows of each question, in their order. */
export type Answers<Q extends readonly Question<unknown>[]> = {
  readonly [I in keyof Q]: Q[I] extends Question<infer T> ? readonly T[] : never
}

const limits = { query_timeout: 10_000 }

/**
 * Puts all questions in one round trip, in a transaction of their own that can only read.
 * @param opening says whom it serves
 */
export async function askAtOnce<const Q extends readonly Question<unknown>[]>(
  pool: pg.Pool,
  opening: readonly Prisma.Sql[],
  questions: Q
): Promise<Answers<Q>> {
  const client = await pool.connect()
  client.on('error', ignore)
  try {
    const send = (text: string, values?: unknown[]): Promise<pg.QueryResult> =>
      client.query(values === undefined ? { text } : { text, values, ...limits })
    const sent = [
      send('BEGIN READ ONLY'),
      ...[...opening, ...questions.map(({ sql }) => sql)].map(({ text, values }) =>
        send(text, values)
      ),
      send('COMMIT')
    ]
    const answers = await Promise.all(sent)
    const rows = answers.slice(1 + opening.length, -1).map((one) => rowsOf(one.rows))
    return rows as Answers<Q> // whoever writes a question knows its columns
  } finally {
    client.off('error', ignore)
    client.release()
  }
}

/** Of a connection that breaks: what was asked on it fails with it. */
function ignore(): void {}

/** By the names that Prisma has for columns: `due_at` is `dueAt`. */
export function rowsOf<T>(raw: readonly Readonly<Record<string, unknown>>[]): T[] {
  const names = Object.keys(raw[0] ?? {}).map((name) => [name, camelOf(name)] as const)
  const rows = raw.map((row) => Object.fromEntries(names.map(([name, ours]) => [ours, row[name]])))
  return rows as T[] // whoever writes a statement knows its columns
}

function camelOf(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
