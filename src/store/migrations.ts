import { readdir, readFile } from 'node:fs/promises'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as schemaEngine from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'
import { AppError } from '../base/errors.ts'
import { kept } from '../base/kept.ts'
import type { Secret } from '../base/secret.ts'
import { connectionStringOf } from './connection.ts'
import { settleUnfinished, wholeScripts } from './migration-scripts.ts'
import { grantAppRole, type RoleCredentials } from './roles.ts'

/** The little of the WebAssembly interface that is used; Node has it, its type package does not. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, unknown>
  ): Promise<{ instance: { exports: Record<string, () => void> } }>
}

const migrationsDir = new URL('../../prisma/migrations/', import.meta.url)
/** Any number will do, as long as it is the same in every replica. */
const migrationLock = 7_734_001

/**
 * As the owner role: applies what migrations are missing (the standard `_prisma_migrations` table, the same
 * engine as `prisma migrate deploy`, as WebAssembly), then creates or updates the app role and its rights.
 * Replicas that start at once wait for one another on a transaction-level lock.
 * @returns names of the migrations that this call applied
 */
export async function migrate(ownerUrl: Secret, app: RoleCredentials): Promise<string[]> {
  const connectionString = connectionStringOf(ownerUrl)
  const lock = new pg.Client({ connectionString })
  // A connection that breaks while nothing is asked over it is told by the next question.
  lock.on('error', () => undefined)
  await lock.connect()
  try {
    await lock.query('BEGIN')
    await lock.query('SELECT pg_advisory_xact_lock($1)', [migrationLock])
    const applied = await applyMigrations(connectionString)
    await grantAppRole(lock, app)
    await lock.query('COMMIT')
    return applied
  } finally {
    await lock.end()
  }
}

/**
 * Refuses a schema that is older than this version needs; newer is fine (expand, then contract).
 * @throws AppError `internal`, its note naming the migrations that are missing
 */
export async function assertSchemaIsCurrent(query: Query): Promise<void> {
  const missing = await missingMigrations(query)
  if (missing.length === 0) return
  throw new AppError('internal', {
    note: `the database lacks ${missing.join(', ')}; start once with WEFT_OWNER_DATABASE_URL or run \`weft migrate\``
  })
}

type Query = (sql: string) => Promise<readonly { name: string }[]>

/** @returns names of the migrations that this version needs and the database does not have */
export async function missingMigrations(query: Query): Promise<string[]> {
  const applied = await query(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL'
  ).catch(() => [])
  const have = new Set(applied.map((row) => row.name))
  return (await migrationNames()).filter((name) => !have.has(name))
}

async function applyMigrations(connectionString: string): Promise<string[]> {
  // The engine takes a session-level lock of its own, which ends with its connection.
  const pool = new pg.Pool({ connectionString, max: 2 })
  pool.on('error', () => undefined)
  try {
    await settleUnfinished(pool)
    // Most starts find nothing to do, and need no engine for it.
    const missing = await missingMigrations(async (sql) => (await pool.query(sql)).rows)
    return missing.length === 0 ? [] : await applyWithEngine(pool)
  } catch (error) {
    throw new AppError('internal', { note: `migration failed: ${errorTextOf(error)}` })
  } finally {
    await pool.end()
  }
}

async function applyWithEngine(pool: pg.Pool): Promise<string[]> {
  const names = await migrationNames()
  const migrationDirectories = await Promise.all(names.map(readMigration))
  const texts = migrationDirectories.map(({ migrationFile }) => migrationFile.content.value)
  const engine = await loadEngine(pool, new Set(texts))
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: {
        baseDir: migrationsDir.pathname,
        lockfile: {
          path: 'migration_lock.toml',
          content: await readFile(new URL('migration_lock.toml', migrationsDir), 'utf8')
        },
        shadowDbInitScript: '',
        migrationDirectories
      },
      filters: { externalTables: [], externalEnums: [] }
    })
    return appliedMigrationNames
  } finally {
    engine.free()
  }
}

function errorTextOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : 'unknown'
}

async function migrationNames(): Promise<string[]> {
  const entries = await readdir(migrationsDir, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

async function readMigration(name: string) {
  const content = await readFile(new URL(`${name}/migration.sql`, migrationsDir), 'utf8')
  const value = { tag: 'ok' as const, value: content }
  return { path: name, migrationFile: { path: 'migration.sql', content: value } }
}

const engineInstance = kept(instantiateEngine)

async function loadEngine(
  pool: pg.Pool,
  migrations: ReadonlySet<string>
): Promise<schemaEngine.SchemaEngine> {
  await engineInstance()
  const adapter = bindMigrationAwareSqlAdapterFactory(wholeScripts(pool, migrations))
  return schemaEngine.SchemaEngine.new({ datamodels: undefined }, () => undefined, adapter)
}

async function instantiateEngine(): Promise<void> {
  const entry = import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const bytes = await readFile(new URL('schema_engine_bg.wasm', entry))
  const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes), {
    './schema_engine_bg.js': schemaEngine
  })
  schemaEngine.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start?.()
}
