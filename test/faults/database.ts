import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres } from '../../src/local/postgres.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import {
  ask,
  failed,
  isAlive,
  isReady,
  type Person,
  personAsks,
  seconds,
  serviceAsks,
  slowestMs,
  startLoad,
  tally,
  until
} from './calls.ts'
import type { Fault, Watch } from './fault.ts'
import type { Site, Stage } from './stage.ts'

const replyMs = 2_000
const backMs = 10_000
/** Two looks for changes, and what is read after them. */
const settleMs = 3_000
export const promisedOfOutages =
  'cached tokens serve on; whoever needs the database is told within 2 s; alive, not ready; all is well within 10 s of its return, without a restart'

/** The first call of one who has not been there before needs the database. */
async function newcomers(site: Site, count: number): Promise<Person[]> {
  const people: Person[] = []
  for (let at = 0; at < count; at += 1) people.push(await site.person())
  return people
}

export interface Outage {
  begin(): Promise<unknown> | unknown
  end(): Promise<unknown> | unknown
}

/** How two replicas come through it, seen from outside. */
export async function weather(
  site: Site,
  watch: Watch,
  outage: Outage,
  forMs: number
): Promise<void> {
  const { replicas, fabricId } = site
  const ports = replicas.map(({ port }) => port)
  const regular = await site.person()
  const strangers = await newcomers(site, 12)
  const stranger = () => personAsks(strangers.pop() ?? regular, fabricId)
  for (const port of ports) {
    await ask(port, serviceAsks(site))
    await ask(port, personAsks(regular, fabricId))
  }
  const loads = ports.flatMap((port) => [
    startLoad(() => port, serviceAsks(site), 2, 50),
    startLoad(() => port, personAsks(regular, fabricId), 1, 50)
  ])
  // What they began with, such as a first token, changes the tenant: it is read once more, and then remembered.
  await pause(settleMs)
  await outage.begin()
  const startMs = performance.now()
  const cold = await Promise.all(
    ports.flatMap((port) => [ask(port, stranger()), ask(port, stranger())])
  )
  watch.expect(
    cold.every(({ status }) => status === 503) && slowestMs(cold) < replyMs,
    `calls that need it, just after: ${tally(cold)} in at most ${seconds(slowestMs(cold))}`
  )
  const unreadyMs = await until(
    async () => (await Promise.all(ports.map(isReady))).every((is) => !is),
    3_000
  )
  watch.expect(unreadyMs !== null, unreadyMs === null ? 'still ready' : 'not ready')
  await pause(Math.max(0, startMs + forMs - performance.now()))
  const late = await Promise.all(ports.map((port) => ask(port, stranger())))
  watch.expect(
    late.every(({ status }) => status === 503) && slowestMs(late) < replyMs,
    `later: ${tally(late)} in at most ${seconds(slowestMs(late))}`
  )
  watch.expect((await Promise.all(ports.map(isAlive))).every(Boolean), 'alive')
  const warm = (await Promise.all(loads.map((load) => load.stop()))).flat()
  watch.expect(failed(warm).length === 0, `calls with cached tokens meanwhile: ${tally(warm)}`)
  await outage.end()
  await recovered(site, watch, stranger)
}

async function recovered(
  { replicas }: Site,
  watch: Watch,
  stranger: () => ReturnType<typeof personAsks>
): Promise<void> {
  for (const { port } of replicas) {
    const call = stranger()
    const tookMs = await until(
      async () => (await isReady(port)) && (await ask(port, call)).status === 200,
      backMs
    )
    watch.expect(tookMs !== null, `well again after ${seconds(tookMs)}`)
  }
}

/** Ends every connection of the app role. */
export async function dropConnections({ sql }: Pick<VaultWorld, 'sql'>): Promise<void> {
  await sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = 'weft_app'`
  )
}

export const stopped: Fault = {
  name: 'database-stopped',
  checks: 'H5 F36',
  done: 'Postgres stopped for 15 s and started again',
  promised: promisedOfOutages,
  async run(stage, watch) {
    const at = { dataDir: join(await stage.folder(), 'postgres'), durable: false }
    let postgres = await startPostgres({ ...at, port: 0 })
    stage.defer(() => postgres.stop())
    const { superuserUrl, port } = postgres
    const site = await stage.site(2, superuserUrl)
    const begin = () => postgres.stop()
    const end = async () => {
      postgres = await startPostgres({ ...at, port })
    }
    await weather(site, watch, { begin, end }, 15_000)
  }
}

/** The server's processes that Weft's connections need: those it has, and the one that makes more. */
async function processesOf({ sql }: VaultWorld): Promise<number[]> {
  const rows = await sql<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE usename = 'weft_app'`
  )
  const [folder] = await sql<{ path: string }>(`SELECT current_setting('data_directory') AS path`)
  const postmaster = Number.parseInt(
    readFileSync(join(folder?.path ?? '', 'postmaster.pid'), 'utf8'),
    10
  )
  return [...rows.map(({ pid }) => pid), postmaster]
}

export const frozen: Fault = {
  name: 'database-frozen',
  checks: 'H5',
  done: 'SIGSTOP of Postgres for 12 s: connections stand and nothing is answered',
  promised: promisedOfOutages,
  async run(stage, watch) {
    const at = { dataDir: join(await stage.folder(), 'postgres'), durable: false, port: 0 }
    const postgres = await startPostgres(at)
    stage.defer(() => postgres.stop())
    const site = await stage.site(2, postgres.superuserUrl)
    let pids: number[] = []
    const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
      for (const pid of pids) {
        try {
          process.kill(pid, name)
        } catch {
          // A connection's process may be gone.
        }
      }
    }
    stage.defer(() => signal('SIGCONT'))
    const begin = async () => {
      pids = await processesOf(site.world)
      signal('SIGSTOP')
    }
    await weather(site, watch, { begin, end: () => signal('SIGCONT') }, 12_000)
  }
}

export const readOnly: Fault = {
  name: 'database-read-only',
  checks: 'H5 F7 F47',
  done: 'the database takes no writes for 8 s, as a standby does',
  promised: promisedOfOutages,
  async run(stage, watch) {
    const site = await stage.site(2)
    const { world } = site
    const name = new URL(world.database.appUrl).pathname.slice(1)
    const alter = `ALTER DATABASE ${name}`
    await weather(
      site,
      watch,
      {
        async begin() {
          await world.sql(`${alter} SET default_transaction_read_only = on`)
          await dropConnections(world)
        },
        async end() {
          await world.sql('SET default_transaction_read_only = off')
          await world.sql(`${alter} RESET default_transaction_read_only`)
        }
      },
      8_000
    )
  }
}

export const connectionsDropped: Fault = {
  name: 'connections-dropped',
  checks: 'H5',
  done: 'every connection to the database ended, three times',
  promised:
    'cached tokens serve on; whoever needs the database is at most told to come again, and served within seconds',
  async run(stage, watch) {
    const site = await stage.site(2)
    const { fabricId, world } = site
    const regular = await site.person()
    for (const { port } of site.replicas) await ask(port, personAsks(regular, fabricId))
    const loads = site.replicas.map(({ port }) =>
      startLoad(() => port, personAsks(regular, fabricId), 2)
    )
    for (let round = 0; round < 3; round += 1) {
      const people = await newcomers(site, 2)
      await dropConnections(world)
      for (const [at, person] of people.entries()) {
        const port = site.replicas[at]?.port ?? 0
        const servedMs = await until(
          async () => (await ask(port, personAsks(person, fabricId))).status === 200,
          replyMs
        )
        watch.expect(servedMs !== null, `served after ${seconds(servedMs)}`)
      }
    }
    const warm = (await Promise.all(loads.map((load) => load.stop()))).flat()
    watch.expect(failed(warm).length === 0, `calls with cached tokens: ${tally(warm)}`)
  }
}

const everyTable = (statement: string) => `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('${statement}', name);
  END LOOP; END $$`

export const diskFull: Fault = {
  name: 'disk-full',
  checks: 'H5 G5 F7',
  done: 'every write is refused as a full disk refuses it (SQLSTATE 53100), for some seconds',
  promised:
    'cached tokens serve on; a refresh is refused with 503 before the provider is asked, and succeeds afterwards',
  async run(stage, watch) {
    const site = await stage.site(1)
    const { world, fabricId } = site
    const port = site.replicas[0]?.port ?? 0
    const regular = await site.person()
    const expired = await site.person(-60_000)
    await ask(port, personAsks(regular, fabricId))
    const asked = world.server.requests.length
    await world.sql(
      `CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`
    )
    await world.sql(
      everyTable(
        'CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON %I EXECUTE FUNCTION disk_full()'
      )
    )
    stage.defer(() => world.sql('DROP FUNCTION IF EXISTS disk_full() CASCADE'))
    const load = startLoad(() => port, personAsks(regular, fabricId), 2)
    const refused = await ask(port, personAsks(expired, fabricId))
    const isRefused = refused.status === 503 && refused.ms < replyMs
    watch.expect(isRefused, `a refresh: ${tally([refused])} after ${seconds(refused.ms)}`)
    watch.expect(world.server.requests.length === asked, 'the provider was not asked')
    await pause(3_000)
    const warm = await load.stop()
    watch.expect(failed(warm).length === 0, `calls with cached tokens: ${tally(warm)}`)
    await world.sql('DROP FUNCTION disk_full() CASCADE')
    const isServed = async () => (await ask(port, personAsks(expired, fabricId))).status === 200
    const tookMs = await until(isServed, backMs)
    watch.expect(tookMs !== null, `refreshed ${seconds(tookMs)} after there was room`)
  }
}

const trustMs = 60_000

/** Sees that a key is refused from some instant on. @returns milliseconds until then */
async function refusedAfter(port: number, site: Site, timeoutMs: number): Promise<number | null> {
  const isRefused = async () => failed([await ask(port, serviceAsks(site))]).length > 0
  return await until(isRefused, timeoutMs, 250)
}

async function revokeKey({ world }: Site): Promise<void> {
  await world.sql('UPDATE service_keys SET revoked_at = now()')
  await world.sql('UPDATE tenants SET version = version + 1')
}

export const cutOff: Fault = {
  name: 'cut-off',
  checks: 'H5 A13',
  done: 'one of two replicas loses its way to the database, and a key is revoked that it knows',
  promised:
    'the other refuses the key within 5 s; the one that is cut off serves whom it knows for a minute and then nobody',
  isPatient: true,
  async run(stage: Stage, watch) {
    const site = await stage.site(2)
    const [lost, other] = site.replicas
    if (lost === undefined || other === undefined) throw new TypeError('no replica')
    for (const { port } of site.replicas) await ask(port, serviceAsks(site))
    await pause(settleMs)
    for (const { port } of site.replicas) await ask(port, serviceAsks(site))
    lost.proxy.mode = { kind: 'drop' }
    const startMs = performance.now()
    await revokeKey(site)
    const soonMs = await refusedAfter(other.port, site, 5_000)
    watch.expect(soonMs !== null, `the other refused it after ${seconds(soonMs)}`)
    const left = trustMs + 5_000 - (performance.now() - startMs)
    const lateMs = await refusedAfter(lost.port, site, left)
    const sawMs = lateMs === null ? null : performance.now() - startMs
    watch.expect(
      sawMs !== null && sawMs > trustMs / 2,
      `the one cut off served on, and refused it after ${seconds(sawMs)}`
    )
    watch.expect(!(await isReady(lost.port)), 'and was not ready')
    lost.proxy.mode = { kind: 'pass' }
    const backAfterMs = await until(() => isReady(lost.port), backMs)
    watch.expect(backAfterMs !== null, `ready ${seconds(backAfterMs)} after its way was back`)
    const still = await ask(lost.port, serviceAsks(site))
    watch.expect(still.status === 401, `and then as revoked: ${tally([still])}`)
  }
}
