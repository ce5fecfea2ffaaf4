import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Secret } from '../../src/base/secret.ts'
import { connectionStringOf } from '../../src/store/connection.ts'
import { type BareDatabase, createBareDatabase } from '../store/bare-database.ts'
import { startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { runWeft } from '../support/weft-command.ts'
import { ask, failed, personAsks, serviceAsks, startLoad, tally } from './calls.ts'
import type { Fault } from './fault.ts'
import type { Stage } from './stage.ts'

const known = readdirSync(new URL('../../prisma/migrations/', import.meta.url))
  .filter((name) => /^\d{14}_/.test(name))
  .sort()
const keyRing = `test:${randomBytes(32).toString('base64')}`

async function bare(stage: Stage): Promise<BareDatabase> {
  const database = await createBareDatabase(await stage.superuserUrl())
  stage.defer(database.drop)
  return database
}

function migrateBy({ appUrl }: BareDatabase, ownerUrl: Secret | string) {
  return runWeft(['migrate'], {
    WEFT_DATABASE_URL: connectionStringOf(appUrl),
    WEFT_OWNER_DATABASE_URL: typeof ownerUrl === 'string' ? ownerUrl : connectionStringOf(ownerUrl),
    WEFT_KEY_RING: keyRing
  })
}

async function journalOf({ sql }: BareDatabase): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    `SELECT migration_name AS name FROM _prisma_migrations
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY 1`
  )
  return rows.map(({ name }) => name)
}

export const migrations: Fault = {
  name: 'migrations',
  checks: 'H12',
  done: '`weft migrate` killed with kill -9 in the middle of a migration, then run twice at once',
  promised:
    'what was half done leaves nothing behind, one of the two does the work, each migration is applied once',
  async run(stage, watch) {
    const database = await bare(stage)
    const ownerUrl = connectionStringOf(database.ownerUrl)
    const proxy = await startFaultProxy(targetOf(ownerUrl))
    stage.defer(proxy.close)
    const stop = proxy.stopAt({ seen: /CREATE TABLE "?refresh_journal/i, hold: 'request' })
    const victim = migrateBy(database, viaPort(ownerUrl, proxy.port))
    const ended = once(victim.child, 'close')
    await Promise.race([stop.reached, ended])
    watch.expect(victim.child.exitCode === null, 'stopped in the middle')
    victim.child.kill('SIGKILL')
    await ended
    stop.cut()
    const runs = await Promise.all([
      migrateBy(database, database.ownerUrl).ended,
      migrateBy(database, database.ownerUrl).ended
    ])
    watch.expect(
      runs.every(({ code }) => code === 0),
      `both end with ${runs.map(({ code, err }) => `${code} ${err.trim()}`.trim()).join(' and ')}`
    )
    const idle = runs.filter(({ out }) => out.includes('nothing was missing')).length
    watch.expect(idle === 1, `${idle} of them found nothing to do`)
    const applied = await journalOf(database)
    watch.expect(
      applied.join() === known.join(),
      `applied once each: ${applied.length} of ${known.length}`
    )
  }
}

/** What the next version may do to the schema while this one serves. */
const expansion = [
  'ALTER TABLE grants ADD COLUMN next_version_note text',
  'ALTER TABLE fabrics ADD COLUMN next_version_flag boolean NOT NULL DEFAULT false',
  'ALTER TABLE sessions ADD COLUMN next_version_count integer NOT NULL DEFAULT 0',
  'CREATE INDEX next_version_index ON grants (tenant_id, next_version_note)',
  `CREATE TABLE next_version (tenant_id text NOT NULL REFERENCES tenants (id), id text NOT NULL,
     PRIMARY KEY (tenant_id, id))`,
  'ALTER TABLE next_version ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE next_version FORCE ROW LEVEL SECURITY',
  `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
   VALUES (gen_random_uuid(), '', '99999999999999_next_version', now(), now(), 1)`
]

export const sideBySide: Fault = {
  name: 'upgrade',
  checks: 'H12',
  done: 'the schema expanded as a next version does it, under load, while this version serves; then another replica of this version started on it',
  promised:
    '0 failed calls, refreshes and new callers included; going back to this version needs no change of the schema',
  async run(stage, watch) {
    const site = await stage.site(2)
    const { world, fabricId } = site
    const newcomers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => site.person(at % 2 === 0 ? undefined : -60_000))
    )
    await Promise.all(site.replicas.map(({ port }) => ask(port, serviceAsks(site))))
    const loads = site.replicas.map(({ port }) => startLoad(() => port, serviceAsks(site), 2))
    const outcomes = []
    for (const sql of expansion) {
      await world.sql(sql)
      const person = newcomers.pop()
      const port = site.replicas[newcomers.length % 2]?.port ?? 0
      if (person !== undefined) outcomes.push(await ask(port, personAsks(person, fabricId)))
      await pause(200)
    }
    const { port } = await site.launch()
    for (const person of newcomers) outcomes.push(await ask(port, personAsks(person, fabricId)))
    for (const load of loads) outcomes.push(...(await load.stop()))
    watch.expect(failed(outcomes).length === 0, `${outcomes.length} calls: ${tally(outcomes)}`)
  }
}
