import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { createDb } from '../../src/store/db.ts'
import { migrate } from '../../src/store/migrations.ts'
import { type BareDatabase, createBareDatabase } from './bare-database.ts'

let database: BareDatabase
beforeEach(async () => {
  database = await createBareDatabase()
})
afterEach(() => database.drop())

const entries = await readdir(new URL('../../prisma/migrations/', import.meta.url))
const known = entries.filter((name) => /^\d{14}_/.test(name)).sort()
const start = () => migrate(database.ownerUrl, database.app)
const tables = () =>
  database.sql<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`
  )
const journal = () =>
  database.sql<{ name: string; finished: boolean }>(
    `SELECT migration_name AS name, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations ORDER BY started_at, migration_name`
  )

/** Ends the connection that migrates, at the first statement of this kind. */
async function killAt(tag: string): Promise<void> {
  await database.sql(
    `CREATE FUNCTION kill() RETURNS event_trigger LANGUAGE plpgsql
       AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END $$`
  )
  await database.sql(`CREATE EVENT TRIGGER kill ON ddl_command_end
    WHEN TAG IN ('${tag}') EXECUTE FUNCTION kill()`)
}

async function heal(): Promise<void> {
  await database.sql('DROP EVENT TRIGGER kill')
  await database.sql('DROP FUNCTION kill()')
}

describe('H12 migrations', () => {
  test('two replicas that start at once: one applies them, the other finds nothing to do', async () => {
    const applied = await Promise.all([start(), start(), start()])
    expect(applied.flat()).toEqual(known)
    expect(await journal()).toEqual(known.map((name) => ({ name, finished: true })))
  })

  test('a second start applies nothing, and leaves the journal as it was', async () => {
    expect(await start()).toEqual(known)
    const before = await journal()
    expect(await start()).toEqual([])
    expect(await journal()).toEqual(before)
  })

  test.each(['CREATE INDEX', 'CREATE FUNCTION'])(
    'killed half-way, at its first %s: nothing of it stays, and the next start does it whole',
    async (tag) => {
      await killAt(tag)
      const fault: unknown = await start().catch((error: unknown) => error)
      expect(fault).toBeInstanceOf(AppError)
      expect(fault).toMatchObject({
        code: 'internal',
        note: expect.stringContaining('migration failed')
      })
      expect((await tables()).map(({ name }) => name)).toEqual(['_prisma_migrations'])
      await heal()
      expect(await start()).toEqual(known)
      const db = createDb({ url: database.appUrl })
      await expect(db.assertSchemaIsCurrent()).resolves.toBeUndefined()
      await db.close()
    }
  )

  test('killed after its script took effect, before that was written down: the next start goes on', async () => {
    await start()
    const last = known.at(-1)
    await database.sql(
      'UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = $1',
      [last]
    )
    expect(await start()).toEqual([])
    expect((await journal()).every(({ finished }) => finished)).toBe(true)
  })

  test('the connection that keeps others out breaks: told, and the next start goes on', async () => {
    const enginesLock = 72_707_369
    await database.sql('SELECT pg_advisory_lock($1)', [enginesLock])
    const started = start().catch((error: unknown) => error)
    const waiting = () =>
      database.sql(`SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted`)
    await expect.poll(async () => (await waiting()).length).toBe(1)
    await database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'idle in transaction'`)
    await database.sql('SELECT pg_advisory_unlock($1)', [enginesLock])
    expect(await started).toBeInstanceOf(Error)
    expect(await start()).toEqual([])
  })

  test('a schema that is too old is refused by name, as is one with no migration at all', async () => {
    await start()
    const db = createDb({ url: database.appUrl })
    await database.sql(
      'UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = $1',
      [known[0]]
    )
    await expect(db.assertSchemaIsCurrent()).rejects.toMatchObject({
      code: 'internal',
      note: expect.stringContaining(`lacks ${known[0]}`)
    })
    await database.sql('DROP TABLE _prisma_migrations')
    await expect(db.assertSchemaIsCurrent()).rejects.toMatchObject({
      note: expect.stringContaining(known.join(', '))
    })
    await db.close()
  })

  test('a schema that is newer than this version is accepted: expand, then contract', async () => {
    await start()
    await database.sql(`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
      VALUES ('x', 'x', '29990101000000_later', now())`)
    const db = createDb({ url: database.appUrl })
    await expect(db.assertSchemaIsCurrent()).resolves.toBeUndefined()
    await db.close()
    expect(await start()).toEqual([])
  })
})
