import type pg from 'pg'
import { Prisma } from './generated/client.ts'

/** Statements as Prisma's own transaction takes them; here none waits for the answer to the one before. */
export interface Statements {
  $queryRaw<T>(query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]): Promise<T>
}

const limits = { query_timeout: 10_000 }

/**
 * One transaction of `work`'s statements, straight to the driver: what is written in masses would cost more in
 * Prisma than in all the rest. Columns come by their own names, numbers of eight bytes as text.
 * @param opening says whom it serves
 */
export async function inPlainTransaction<T>(
  pool: pg.Pool,
  opening: Prisma.Sql,
  work: (statements: Statements) => Promise<T>
): Promise<T> {
  const client = await pool.connect()
  client.on('error', ignore)
  let isBroken = false
  const send = ({ text, values }: Pick<Prisma.Sql, 'text' | 'values'>) =>
    client.query({ text, values, ...limits })
  const control = (text: string) => send({ text, values: [] })
  try {
    await control('BEGIN')
    await send(opening)
    const result = await work({
      $queryRaw: async <R>(query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => {
        const sql = 'raw' in query ? Prisma.sql(query, ...values) : query
        return (await send(sql)).rows as R // whoever writes a statement knows its columns
      }
    })
    await control('COMMIT')
    return result
  } catch (error) {
    await control('ROLLBACK').catch(() => {
      isBroken = true
    })
    throw error
  } finally {
    client.off('error', ignore)
    client.release(isBroken)
  }
}

/** Of a connection that breaks: what was asked on it fails with it. */
function ignore(): void {}
