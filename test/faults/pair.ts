import { execFile } from 'node:child_process'
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../../src/local/postgres.ts'
import { until } from './calls.ts'
import type { Stage } from './stage.ts'

/** A primary and the standby that follows it, each commit on both before it is told. */
export interface Pair {
  readonly primary: { readonly superuserUrl: string }
  readonly standby: { readonly superuserUrl: string }
  /** `kill -9` of every process of the primary. */
  kill(): Promise<void>
  /** The standby takes writes from now on. */
  promote(): Promise<void>
}

const settings = { wal_level: 'replica', max_wal_senders: '5', synchronous_commit: 'on' }

export async function startPair(stage: Stage): Promise<Pair> {
  const folder = await stage.folder()
  const dataDir = join(folder, 'primary')
  const empty = await startPostgres({ dataDir, port: 0, durable: false, settings })
  const { port, dataDir: from } = empty
  await empty.stop()
  const copy = join(folder, 'standby')
  await promisify(execFile)('cp', ['-a', from, copy])
  await promisify(execFile)('cp', ['-a', `${dataDir}.password`, `${copy}.password`])
  makeStandby(copy)

  const synchronous = { ...settings, synchronous_standby_names: '*' }
  const primary = await startPostgres({ dataDir, port, durable: false, settings: synchronous })
  stage.defer(() => primary.stop())
  const { hostname, username, password } = new URL(primary.superuserUrl)
  const follow = `host=${hostname} port=${port} user=${username} password=${password}`
  const standby = await startPostgres({
    dataDir: copy,
    port: 0,
    durable: false,
    settings: { ...settings, primary_conninfo: follow }
  })
  stage.defer(() => standby.stop())
  const isFollowed = () =>
    asSuperuser(primary, async (ask) => {
      const rows = await ask(`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`)
      return rows.length === 1
    })
  if ((await until(isFollowed, 20_000, 200)) === null) throw new TypeError('no standby follows')

  return {
    primary,
    standby,
    async kill() {
      const pids = await asSuperuser(primary, (ask) => ask('SELECT pid FROM pg_stat_activity'))
      // The first one last would start the others anew.
      for (const pid of [primary.pid, ...pids.map((row) => Number(row.pid))]) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended with the first.
        }
      }
      await primary.ended
    },
    async promote() {
      await asSuperuser(standby, (ask) => ask('SELECT pg_promote(true, 30)'))
    }
  }
}

/** Belongs to whom the data belongs to. */
function makeStandby(dataDir: string): void {
  const { uid, gid } = statSync(dataDir)
  const signal = join(dataDir, 'standby.signal')
  writeFileSync(signal, '')
  chownSync(signal, uid, gid)
}

type Ask = (sql: string) => Promise<Record<string, unknown>[]>

async function asSuperuser<T>(
  { superuserUrl }: { readonly superuserUrl: string },
  work: (ask: Ask) => Promise<T>
): Promise<T> {
  const client = new pg.Client({ connectionString: superuserUrl })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(async (sql) => (await client.query(sql)).rows)
  } finally {
    await client.end()
  }
}
