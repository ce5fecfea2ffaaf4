import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { root } from '../house/source.ts'
import { targetOf } from '../support/fault-proxy.ts'
import type { ReplicaProcess } from '../support/replicas.ts'
import { findSystemPostgres, startSystemPostgres } from '../support/system-postgres.ts'
import { runWeft } from '../support/weft-command.ts'
import { ask, failed, type Person, serviceAsks, startLoad, tally } from './calls.ts'
import type { Fault, Watch } from './fault.ts'
import type { Site } from './stage.ts'

const peopleCount = 15

/** One of the scripts of `deploy/backup`. @returns empty: done; else what it said */
function script(
  name: string,
  bin: string,
  url: string,
  file: string,
  env: Readonly<Record<string, string>> = {}
): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const whereAndWho = {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1)
  }
  return new Promise((resolve) => {
    execFile(
      join(root, 'deploy/backup', name),
      [file],
      { env: { PATH: `${bin}:/usr/bin:/bin`, ...whereAndWho, ...env } },
      (fault, _out, err) => resolve(fault === null ? '' : `exit ${fault.code}: ${err.trim()}`)
    )
  })
}

/** Another server in place of the one in a URL. */
function at(superuserUrl: string, url: string): string {
  const changed = new URL(url)
  const { host, port } = targetOf(superuserUrl)
  Object.assign(changed, { hostname: host, port: String(port) })
  return changed.href
}

async function makeOwner(superuserUrl: string, ownerUrl: string): Promise<void> {
  const { username, password, pathname } = new URL(ownerUrl)
  const client = new pg.Client({ connectionString: superuserUrl })
  await client.connect()
  await client.query(`CREATE ROLE ${username} LOGIN CREATEROLE PASSWORD '${password}'`)
  await client.query(`CREATE DATABASE ${pathname.slice(1)} OWNER ${username}`)
  await client.end()
}

const newPeople = async (site: Site): Promise<Person[]> => {
  const people: Person[] = []
  while (people.length < peopleCount) people.push(await site.person(-60_000))
  return people
}

/** How each of them fares, and whether somebody was served as another. */
async function callAll({ fabricId }: Site, replica: ReplicaProcess, people: readonly Person[]) {
  const words: string[] = []
  for (const { session, userId } of people) {
    const { status, code, text } = await replica.ask(session, fabricId)
    const isOwn = status !== 200 || text.includes(`"as":"${userId}@`)
    words.push(isOwn ? `${status} ${code ?? ''}`.trim() : 'as somebody else')
  }
  const isAll = (word: string) => words.every((one) => one === word)
  return { isAll, told: [...new Set(words)].join(', ') }
}

export const restore: Fault = {
  name: 'restore',
  checks: 'H12 C12 F32',
  done: 'a backup by deploy/backup under load; people go on, the database is lost, and the backup is restored into a new cluster',
  promised:
    'no call fails meanwhile; Weft starts on it with its key ring and with no other; the record verifies, and an anchor tells what is missing; who was not renewed since is served as before, who was is asked to sign in, nobody as somebody else',
  obstacle: () =>
    findSystemPostgres() === null
      ? 'no PostgreSQL with pg_dump is installed (Debian: postgresql)'
      : null,
  async run(stage, watch) {
    const bin = findSystemPostgres() ?? ''
    const folder = await stage.folder()
    const lost = await startSystemPostgres(bin, join(folder, 'lost'))
    stage.defer(lost.stop)
    const site = await stage.site(1, lost.superuserUrl)
    const { world, replicas } = site
    const [replica] = replicas
    if (replica === undefined) throw new TypeError('no replica')
    const [steady, late] = [await newPeople(site), await newPeople(site)]
    const first = await callAll(site, replica, steady)
    watch.expect(first.isAll('200'), `renewed before the backup: ${first.told}`)

    const { superuserUrl, ownerUrl, appUrl } = world.database
    const file = join(folder, 'weft.backup')
    const byOwner = await script('backup.sh', bin, ownerUrl, file)
    watch.expect(
      byOwner !== '' && !existsSync(file),
      'a backup as the owner, without rows: refused'
    )
    const load = startLoad(() => replica.port, serviceAsks(site))
    const backup = await script('backup.sh', bin, superuserUrl, file)
    const meanwhile = await load.stop()
    watch.expect(backup === '' && existsSync(file), `backed up ${backup}`.trim())
    watch.expect(failed(meanwhile).length === 0, `calls meanwhile: ${tally(meanwhile)}`)

    const second = await callAll(site, replica, late)
    watch.expect(second.isAll('200'), `renewed after the backup: ${second.told}`)
    const command = (url: string, env: Readonly<Record<string, string>> = {}) => ({
      WEFT_DATABASE_URL: url,
      WEFT_KEY_RING: world.keyRing,
      ...env
    })
    const asTenant = ['--tenant', world.seeded.tenantId]
    const head = await runWeft(['audit', 'head', ...asTenant], command(appUrl)).ended
    await replica.kill()
    await lost.stop()

    const fresh = await startSystemPostgres(bin, join(folder, 'fresh'))
    stage.defer(fresh.stop)
    const [owner, app] = [at(fresh.superuserUrl, ownerUrl), at(fresh.superuserUrl, appUrl)]
    await makeOwner(fresh.superuserUrl, owner)
    const role = { WEFT_OWNER_ROLE: new URL(owner).username }
    const restored = await script(
      'restore.sh',
      bin,
      new URL(new URL(superuserUrl).pathname, fresh.superuserUrl).href,
      file,
      role
    )
    watch.expect(restored === '', `restored ${restored}`.trim())
    if (restored !== '') return
    const migrated = await runWeft(['migrate'], command(app, { WEFT_OWNER_DATABASE_URL: owner }))
      .ended
    watch.expect(migrated.code === 0, `weft migrate: ${migrated.code} ${migrated.err.trim()}`)

    const otherRing = `test:${randomBytes(32).toString('base64')}`
    const start = runWeft([], command(app, { WEFT_KEY_RING: otherRing, WEFT_PORT: '0' }))
    stage.defer(() => start.child.kill('SIGKILL'))
    const stranger = await start.ended
    const isNamed = stranger.code !== 0 && /[0-9a-f]{16}/.test(stranger.out + stranger.err)
    watch.expect(isNamed, `a start with another key ring: exit ${stranger.code}, the key is named`)
    await judgeRecord(watch, head.out, join(folder, 'heads'), (args) =>
      runWeft(['audit', 'verify', ...asTenant, ...args], command(app))
    )
    await judgeCalls(site, watch, await site.launch({ via: () => app }), steady, late)
  }
}

async function judgeRecord(
  watch: Watch,
  head: string,
  anchor: string,
  verify: (args: readonly string[]) => ReturnType<typeof runWeft>
): Promise<void> {
  writeFileSync(anchor, head)
  const alone = await verify([]).ended
  watch.expect(alone.code === 0, `audit verify: ${alone.out.trim()}${alone.err.trim()}`)
  const anchored = await verify(['--anchor', anchor]).ended
  const isTold = anchored.code === 1 && anchored.out.includes('cut')
  watch.expect(isTold, `against a head of after the backup: ${anchored.out.trim()}`)
}

async function judgeCalls(
  site: Site,
  watch: Watch,
  replica: ReplicaProcess,
  steady: readonly Person[],
  late: readonly Person[]
): Promise<void> {
  const { books } = site.world.server
  books.killAccessTokens()
  const same = await callAll(site, replica, steady)
  watch.expect(same.isAll('200'), `who was not renewed since, renewed now: ${same.told}`)
  const spent = await callAll(site, replica, late)
  watch.expect(spent.isAll('409 sign_in_needed'), `who was renewed after the backup: ${spent.told}`)
  const service = await ask(replica.port, serviceAsks(site))
  watch.expect(service.status === 200, `the service principal: ${tally([service])}`)
}
