import { PrismaPg } from '@prisma/adapter-pg'
import {
  DriverAdapterError,
  type SqlMigrationAwareDriverAdapterFactory
} from '@prisma/driver-adapter-utils'
import type pg from 'pg'

/** A start that died left these behind; `applied_steps_count` tells whether their script had taken effect. */
const unfinished = 'finished_at IS NULL AND rolled_back_at IS NULL'
/** In the script's own transaction, so that it stands exactly when the script's effects do. */
const noteApplied = `;\nUPDATE _prisma_migrations SET applied_steps_count = 1 WHERE ${unfinished};`

/**
 * The driver adapter for migrations. By itself it cuts a script at every semicolon and runs the pieces one
 * by one; here a script is one message and so one transaction: all of it happens, or nothing.
 * @param migrations the text of every migration, by which they are told from the engine's own scripts
 */
export function wholeScripts(
  pool: pg.Pool,
  migrations: ReadonlySet<string>
): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool)
  const connect = factory.connect.bind(factory)
  return Object.assign(factory, {
    connect: async () =>
      Object.assign(await connect(), {
        executeScript: async (script: string) => {
          const sql = migrations.has(script) ? script + noteApplied : script
          await pool.query(sql).catch((error: pg.DatabaseError) => {
            throw new DriverAdapterError({
              kind: 'postgres',
              code: error.code ?? 'unknown',
              severity: error.severity ?? 'ERROR',
              message: error.message,
              detail: error.detail,
              column: error.column,
              hint: error.hint
            })
          })
        }
      })
  })
}

/** Settles what an earlier start left half-done, so that this one goes on from there. */
export async function settleUnfinished(pool: pg.Pool): Promise<void> {
  const { rowCount } = await pool.query(
    `SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = '_prisma_migrations'`
  )
  if (rowCount === 0) return
  await pool.query(
    `UPDATE _prisma_migrations
        SET finished_at = CASE WHEN applied_steps_count > 0 THEN now() END,
            rolled_back_at = CASE WHEN applied_steps_count = 0 THEN now() END
      WHERE ${unfinished}`
  )
}
