/**
 * Owns: the pool, Prisma, transactions and whom a transaction serves (row-level security).
 * Touches: Postgres only; the one room with Prisma.
 * Never: a query outside `inTenant` or `inLookup`, and nothing slow between BEGIN and COMMIT.
 */
import assert from 'node:assert'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { AppError } from '../base/errors.ts'
import { Counts } from '../base/measures.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { type Answers, askAtOnce, type Question, rowsOf } from './asking.ts'
import { connectionStringOf } from './connection.ts'
import {
  type DbErrorClass,
  dbErrorClasses,
  dbErrorClassOf,
  isDeadlock,
  translateDbError
} from './db-errors.ts'
import { Prisma, PrismaClient } from './generated/client.ts'
import { assertSchemaIsCurrent } from './migrations.ts'
import { pipelineOpenings } from './pipelining.ts'
import { inPlainTransaction, type Statements } from './plain-statements.ts'
import { createPulse } from './pulse.ts'
import { roleFaults } from './roles.ts'

type Rows = Omit<Prisma.TransactionClient, '$queryRawUnsafe' | '$executeRawUnsafe'>

/** A transaction that sees one tenant's rows. Only `inTenant` makes one. */
export interface Tx {
  readonly scope: TenantScope
  readonly rows: Rows
  /** The tenant's new count; told to the listeners once it is committed. */
  noteChange(version: number): void
}

/** The same for plain statements alone; any other transaction of a tenant will do as one. */
export interface PlainTx extends Pick<Tx, 'scope' | 'noteChange'> {
  readonly rows: Statements
}

/** A transaction that sees only the rows whose hash, slug or person it names. */
export interface LookupTx {
  readonly rows: Rows
}

export interface PlainLookupTx {
  readonly rows: Statements
}

/** What is presented before the tenant is known. */
export interface Lookup {
  /** Hash of a session, key, state or identity; a tenant's slug; '*' to list tenants for a sweep. */
  readonly key?: string
  readonly userId?: string
}

export interface Db {
  /**
   * Runs `work` in one transaction that serves `scope`: another tenant's rows do not exist in it.
   * @param timeoutMs after which it is undone; default: 10 s
   * @throws AppError `overloaded` when the database can't be reached or too much waits for it, `shutting_down` after close
   */
  inTenant<T>(scope: TenantScope, work: (tx: Tx) => Promise<T>, timeoutMs?: number): Promise<T>
  /** The same without Prisma between: for what is written in masses. */
  inTenantPlainly<T>(scope: TenantScope, work: (tx: PlainTx) => Promise<T>): Promise<T>
  inLookup<T>(lookup: Lookup, work: (tx: LookupTx) => Promise<T>): Promise<T>
  inLookupPlainly<T>(lookup: Lookup, work: (tx: PlainLookupTx) => Promise<T>): Promise<T>
  /** Reads in a transaction of its own that serves `scope`, all of it in one round trip. @throws AppError as `inTenant` */
  ask<const Q extends readonly Question<unknown>[]>(
    scope: TenantScope,
    ...questions: Q
  ): Promise<Answers<Q>>
  /**
   * The same for the tenant of the row that has this hash, which the questions take from `weft_tenant()`; where
   * there is none, nothing is found.
   */
  askOwner<const Q extends readonly Question<unknown>[]>(
    owner: { readonly table: OwnedTable; readonly hash: string },
    ...questions: Q
  ): Promise<Answers<Q>>
  /** The same for what `lookup` lets see. */
  askLookup<const Q extends readonly Question<unknown>[]>(
    lookup: Lookup,
    ...questions: Q
  ): Promise<Answers<Q>>
  /** Hears of every committed transaction of this process that noted a change. */
  onTenantChange(listener: TenantChangeListener): void
  /** Why this role must not run Weft; empty when it may. */
  roleFaults(): Promise<string[]>
  assertSchemaIsCurrent(): Promise<void>
  load(): DbLoad
  /** One trivial query; tells the database's time. */
  ping(): Promise<Date>
  /**
   * From now on an outage is noticed within two seconds: what waits for the database is refused, its
   * connections are given up, and whoever comes is refused at once until it answers and takes writes.
   */
  watch(): void
  /** @throws AppError `overloaded`: the database was found to be away */
  assertAnswers(): void
  close(): Promise<void>
}

/** What the pool is at, and what Postgres refused since the start. */
export interface DbLoad {
  readonly connections: { readonly inUse: number; readonly idle: number; readonly max: number }
  /** Transactions that wait for a connection. */
  readonly waiting: number
  readonly errors: Counts<DbErrorClass>
}

type TenantChangeListener = (tenantId: string, version: number) => void

/**
 * The database as a part of `tx`: what would be a transaction of its own takes place within it, and is undone
 * alone when it fails. One part after the other, never two at once.
 */
export function dbWithin(db: Db, tx: Tx): Db {
  async function part<T>(scope: TenantScope, work: (own: Tx) => Promise<T>): Promise<T> {
    assert.equal(scope.tenantId, tx.scope.tenantId, 'a part serves the tenant of the whole')
    await tx.rows.$executeRaw`SAVEPOINT part`
    try {
      const result = await work({ ...tx, scope })
      await tx.rows.$executeRaw`RELEASE SAVEPOINT part`
      return result
    } catch (error) {
      if (isDeadlock(error)) throw error
      await tx.rows.$executeRaw`ROLLBACK TO SAVEPOINT part`
      await tx.rows.$executeRaw`RELEASE SAVEPOINT part`
      throw translateDbError(error)
    }
  }

  return {
    ...db,
    inTenant: part,
    inTenantPlainly: part,
    async ask<const Q extends readonly Question<unknown>[]>(_scope: TenantScope, ...questions: Q) {
      const answers: unknown[] = []
      for (const { sql } of questions) answers.push(rowsOf(await tx.rows.$queryRaw(sql)))
      return answers as unknown as Answers<Q> // as `askAtOnce`
    }
  }
}

/** Tables whose rows are found by a hash before their tenant is known. */
export type OwnedTable = 'service_keys' | 'personal_tokens' | 'sessions' | 'scim_tokens'

export interface DbOptions {
  readonly url: Secret
  /** Connections at most. */
  readonly poolMax?: number
}

/** Of a transaction that Postgres ended to break a deadlock; `work` has no effect but in the database. */
const attemptsMax = 3
const transactionTimeouts = { maxWait: 5_000, timeout: 10_000 }

export function createDb(options: DbOptions): Db {
  const connectionString = connectionStringOf(options.url)
  const pulse = createPulse(connectionString)
  const max = options.poolMax ?? 10
  const pool = new pg.Pool({
    connectionString,
    stream: pulse.openSocket,
    max,
    pipeline: true,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000
  })
  pool.on('connect', pipelineOpenings)
  const errors = new Counts(dbErrorClasses)
  // Of a connection that nobody uses: whoever comes next gets another.
  pool.on('error', () => errors.add('connection'))
  const adapter = new PrismaPg(pool, { onConnectionError: () => undefined })
  const prisma = new PrismaClient({ adapter, log: [], errorFormat: 'minimal' })

  const listeners: TenantChangeListener[] = []

  function assertAnswers(): void {
    if (pulse.isAway)
      throw new AppError('overloaded', { detail: 'The database is away; try again' })
  }

  function count(error: unknown): void {
    const kind = dbErrorClassOf(error)
    if (kind !== null) errors.add(kind)
  }

  /** Once more where Postgres ended it to break a deadlock. */
  async function attempt<T>(transaction: () => Promise<T>): Promise<T> {
    assertAnswers()
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await transaction()
      } catch (error) {
        count(error)
        if (attempts < attemptsMax && isDeadlock(error)) continue
        throw translateDbError(error)
      }
    }
  }

  const transact = <T>(
    settings: RowSettings,
    work: (rows: Rows) => Promise<T>,
    timeout = transactionTimeouts.timeout
  ): Promise<T> =>
    prisma.$transaction(
      async (rows) => {
        await rows.$executeRaw(scoping(settings))
        return await work(rows)
      },
      { ...transactionTimeouts, timeout }
    )

  /** Tells the listeners, once it is committed, what it has noted. */
  const attemptFor = <T>(
    scope: TenantScope,
    transaction: (tx: Pick<Tx, 'scope' | 'noteChange'>) => Promise<T>
  ): Promise<T> =>
    attempt(async () => {
      let changedTo: number | null = null
      const noteChange = (version: number) => {
        changedTo = version
      }
      const result = await transaction({ scope, noteChange })
      if (changedTo !== null) for (const listener of listeners) listener(scope.tenantId, changedTo)
      return result
    })

  async function ask<const Q extends readonly Question<unknown>[]>(
    opening: readonly Prisma.Sql[],
    questions: Q
  ): Promise<Answers<Q>> {
    assertAnswers()
    return await askAtOnce(pool, opening, questions).catch((error: unknown) => {
      count(error)
      throw translateDbError(error)
    })
  }

  return {
    load() {
      const { totalCount, idleCount, waitingCount } = pool
      const connections = { inUse: totalCount - idleCount, idle: idleCount, max }
      return { connections, waiting: waitingCount, errors }
    },
    inTenant: (scope, work, timeoutMs) =>
      attemptFor(scope, (tx) =>
        transact(settingsOf(scope), (rows) => work({ ...tx, rows }), timeoutMs)
      ),
    inTenantPlainly: (scope, work) =>
      attemptFor(scope, (tx) =>
        inPlainTransaction(pool, scoping(settingsOf(scope)), (rows) => work({ ...tx, rows }))
      ),
    onTenantChange(listener) {
      listeners.push(listener)
    },
    inLookup: (lookup, work) =>
      attempt(() => transact(settingsOfLookup(lookup), (rows) => work({ rows }))),
    inLookupPlainly: (lookup, work) =>
      attempt(() =>
        inPlainTransaction(pool, scoping(settingsOfLookup(lookup)), (rows) => work({ rows }))
      ),
    ask: (scope, ...questions) => ask([scoping(settingsOf(scope))], questions),
    askLookup: (lookup, ...questions) => ask([scoping(settingsOfLookup(lookup))], questions),
    askOwner: ({ table, hash }, ...questions) =>
      ask([scoping({ tenant: '', lookup: hash, user: '' }), ownerScopings[table](hash)], questions),
    roleFaults: () => roleFaults((sql) => prisma.$queryRaw(sqlText(sql))),
    assertSchemaIsCurrent: () => assertSchemaIsCurrent((sql) => prisma.$queryRaw(sqlText(sql))),
    async ping() {
      const ask = prisma.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`
      const [row] = await ask.catch((error: unknown) => {
        count(error)
        throw translateDbError(error)
      })
      assert(row !== undefined, 'a query without FROM gives one row')
      return row.now
    },
    watch: pulse.start,
    assertAnswers,
    async close() {
      await pulse.stop()
      await prisma.$disconnect()
      if (!pool.ending) await pool.end()
    }
  }
}

interface RowSettings {
  readonly tenant: string
  readonly lookup: string
  readonly user: string
}

function settingsOf({ tenantId }: TenantScope): RowSettings {
  return { tenant: tenantId, lookup: '', user: '' }
}

function settingsOfLookup({ key, userId }: Lookup): RowSettings {
  return { tenant: '', lookup: key ?? '', user: userId ?? '' }
}

/** Whom a transaction serves until its end. */
function scoping({ tenant, lookup, user }: RowSettings): Prisma.Sql {
  return Prisma.sql`SELECT set_config('weft.tenant', ${tenant}, true),
    set_config('weft.lookup', ${lookup}, true), set_config('weft.user', ${user}, true)`
}

/** From now on it serves the tenant of the row that was looked up. */
const ownerScopings: Readonly<Record<OwnedTable, (hash: string) => Prisma.Sql>> = {
  service_keys: (hash) =>
    Prisma.sql`SELECT set_config('weft.tenant', tenant_id, true) FROM service_keys WHERE hash = ${hash}`,
  personal_tokens: (hash) =>
    Prisma.sql`SELECT set_config('weft.tenant', tenant_id, true) FROM personal_tokens WHERE hash = ${hash}`,
  sessions: (hash) =>
    Prisma.sql`SELECT set_config('weft.tenant', tenant_id, true) FROM sessions WHERE token_hash = ${hash}`,
  scim_tokens: (hash) =>
    Prisma.sql`SELECT set_config('weft.tenant', tenant_id, true) FROM scim_tokens WHERE hash = ${hash}`
}

/** A constant statement of this room as a tagged template, so that no unsafe variant is needed. */
function sqlText(sql: string): TemplateStringsArray {
  return Object.assign([sql], { raw: [sql] })
}
