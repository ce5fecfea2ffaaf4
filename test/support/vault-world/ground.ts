import pg from 'pg'
import { Secret } from '../../../src/base/secret.ts'
import { createDb, type Db } from '../../../src/store/db.ts'
import { createTestDatabase, type TestDatabase } from '../database.ts'

/** What a world stands on: an empty database, a superuser's connection and a first pool to it. */
export interface Ground {
  readonly database: TestDatabase
  readonly superuser: pg.Client
  readonly db: Db
  /** Empties the database and leaves all three to the next world of this process. */
  leave(): Promise<void>
  close(): Promise<void>
}

const left = new Map<string, Ground[]>()

/** Nobody in this process will need them any more. */
export async function closeGrounds(): Promise<void> {
  const grounds = [...left.values()].flat()
  left.clear()
  await Promise.all(grounds.map((ground) => ground.close()))
}

/**
 * Made once and used again by world after world, since making it costs more than most tests.
 * @param superuserUrl default: of the Postgres that all tests share
 */
export async function takeGround(superuserUrl?: string): Promise<Ground> {
  const ground = left.get(superuserUrl ?? '')?.pop()
  return ground ?? (await makeGround(superuserUrl))
}

async function makeGround(superuserUrl?: string): Promise<Ground> {
  const database = await createTestDatabase(superuserUrl)
  const superuser = new pg.Client({ connectionString: database.superuserUrl })
  // The server may stop before this process does.
  superuser.on('error', () => undefined)
  await superuser.connect()
  const { rows } = await superuser.query<{ sql: string }>(
    `SELECT string_agg(format('DELETE FROM %I', tablename), '; ') AS sql
       FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`
  )
  const name = new URL(database.appUrl).pathname.slice(1)
  const empty = [
    'SET session_replication_role = replica',
    rows[0]?.sql,
    'SET session_replication_role = DEFAULT',
    `ALTER DATABASE ${name} RESET ALL`
  ].join('; ')
  const db = createDb({ url: new Secret(database.appUrl), poolMax: 8 })
  const listeners: Parameters<Db['onTenantChange']>[0][] = []
  db.onTenantChange((...change) => {
    for (const listener of listeners) listener(...change)
  })
  const ground: Ground = {
    database,
    superuser,
    db: { ...db, onTenantChange: (listener) => void listeners.push(listener) },
    async leave() {
      listeners.length = 0
      await insist(() => superuser.query(empty))
      const others = left.get(superuserUrl ?? '') ?? []
      left.set(superuserUrl ?? '', [...others, ground])
    },
    async close() {
      await db.close()
      await superuser.end()
      await database.drop()
    }
  }
  return ground
}

/** What still runs of a test that has ended may stand in the way of emptying the tables; it does not for long. */
async function insist(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work()
      return
    } catch (error) {
      const isDeadlock = error instanceof pg.DatabaseError && error.code === '40P01'
      if (!isDeadlock || attempt === 5) throw error
    }
  }
}
