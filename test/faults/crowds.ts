import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { isQuery } from '../end-to-end/simulator.ts'
import { trickle } from '../http/sockets.ts'
import { takeSample } from '../soak/growth.ts'
import { publicUrl } from '../support/replicas.ts'
import {
  type Ask,
  ask,
  failed,
  type Outcome,
  percentile,
  personAsks,
  seconds,
  serviceAsks,
  startLoad,
  tally,
  until
} from './calls.ts'
import type { Fault } from './fault.ts'
import type { Site } from './stage.ts'

const times = <T>(count: number, one: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => one(at))

/** Transactions of Weft's that are open now. */
async function openTransactions({ world }: Site): Promise<number> {
  const [row] = await world.sql<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND usename = 'weft_app' AND state LIKE '%in transaction%'`
  )
  return Number(row?.count)
}

async function mostTransactions(site: Site, forMs: number): Promise<number> {
  const counts: number[] = []
  await until(async () => counts.push(await openTransactions(site)) === 0, forMs, 100)
  return counts.toSorted((a, b) => a - b).at(Math.floor(counts.length / 2)) ?? 0
}

const portOf = ({ replicas }: Site, at = 0) => replicas[at]?.port ?? 0

export const hangingWorkspace: Fault = {
  name: 'hanging-workspace',
  checks: 'H6',
  done: '300 calls to a workspace that answers nothing, on one replica, and calls to another workspace beside them',
  promised:
    'the others’ p99 at most twice what it was, plus 100 ms; no database connection is held',
  async run(stage, watch) {
    const site = await stage.site(1)
    const { world, fabricId } = site
    const person = await site.person()
    await ask(portOf(site), personAsks(person, fabricId))
    const other = serviceAsks(site)
    await ask(portOf(site), other)
    await pause(2_000)
    const measure = async () => {
      const load = startLoad(() => portOf(site), other, 2, 10)
      // So many that a hundredth of them is more than the one that was unlucky.
      await until(() => load.outcomes.length >= 300, 30_000)
      return await load.stop()
    }
    const before = await measure()
    const held = Promise.withResolvers<void>()
    world.server.holdApi = () => held.promise
    const { path } = personAsks(person, fabricId)
    const stuck = times(300, () => ask(portOf(site), personAsks(person, fabricId)))
    const there = () => world.server.arrivals.get(path.replace(/^\/fabrics\/[^/]+/, '')) ?? 0
    await until(() => there() > 300, 10_000)
    const during = await measure()
    const busy = await mostTransactions(site, 1_500)
    const hanging = there() - 1
    held.resolve()
    const ends = await Promise.all(stuck)
    const [base, now] = [percentile(before, 0.99), percentile(during, 0.99)]
    watch.expect(
      failed(during).length === 0 && now <= 2 * base + 100,
      `p99 of the others ${base.toFixed(0)} → ${now.toFixed(0)} ms, ${tally(during)}`
    )
    watch.expect(busy === 0, `transactions open meanwhile: ${busy}; calls that hang: ${hanging}`)
    watch.see(`the 300 when it answered again: ${tally(ends)}`)
  }
}

export const slowTokenEndpoint: Fault = {
  name: 'slow-token-endpoint',
  checks: 'H6 F36 G3',
  done: '60 people with expired tokens at a token endpoint that answers nothing for 5 s, ten calls each',
  promised:
    'no database connection is held, newcomers at other hosts are served, each token is spent once',
  async run(stage, watch) {
    const site = await stage.site(1)
    const { world, fabricId } = site
    const people = await Promise.all(times(60, () => site.person(-60_000)))
    const held = Promise.withResolvers<void>()
    world.server.always({ holdBefore: held.promise })
    const calls = people.flatMap((person) =>
      times(10, () => ask(portOf(site), personAsks(person, fabricId)))
    )
    await world.server.arrived(1)
    await pause(1_500)
    const busy = await mostTransactions(site, 2_000)
    watch.expect(busy === 0, `transactions open meanwhile: ${busy}`)
    const newcomer = await ask(portOf(site), serviceAsks(site))
    watch.expect(newcomer.status === 200, `the first call to another host: ${tally([newcomer])}`)
    held.resolve()
    const ends = await Promise.all(calls)
    const isKept = ends.every(({ status, code }) => status === 200 || code === 'overloaded')
    watch.expect(isKept, `the 600 calls: ${tally(ends)}`)
    const most = Math.max(...people.map(({ family }) => family.redemptions))
    watch.expect(most === 1, `redemptions of a sign-in: at most ${most}`)
  }
}

export const noisyNeighbour: Fault = {
  name: 'noisy-neighbour',
  checks: 'H7',
  done: 'a service account sends 20 times its 30 requests a minute',
  promised: '429 with Retry-After to it alone; the neighbour’s calls are all served',
  async run(stage, watch) {
    const site = await stage.site(1)
    const { world } = site
    const key = await world.rows.serviceKey(world.seeded.tenantId, [site.serviceFabricId])
    await ask(portOf(site), serviceAsks(site))
    await world.sql(
      `UPDATE service_account_fabrics SET requests_per_minute = 30 WHERE service_account_id =
         (SELECT service_account_id FROM service_keys ORDER BY id DESC LIMIT 1)`
    )
    const neighbour = startLoad(() => portOf(site), serviceAsks(site), 2)
    const noisy: Outcome[] = []
    for (let round = 0; round < 20; round += 1) {
      noisy.push(...(await Promise.all(times(30, () => ask(portOf(site), serviceAsks(site, key))))))
    }
    const quiet = await neighbour.stop()
    const served = noisy.filter(({ status }) => status === 200)
    const refused = noisy.filter(({ status }) => status === 429)
    const isTold = refused.every(({ retryAfter }) => Number(retryAfter) > 0)
    watch.expect(
      served.length <= 60 && served.length + refused.length === noisy.length && isTold,
      `the noisy one: ${tally(noisy)}, each with Retry-After`
    )
    watch.expect(failed(quiet).length === 0, `the neighbour: ${tally(quiet)}`)
  }
}

export const retries: Fault = {
  name: 'workspace-down',
  checks: 'H8',
  done: 'a workspace that resets every connection, 400 calls by callers who do not give up',
  promised:
    'at most 1.1 attempts a call, and calls are refused with Retry-After once its breaker is open; served again within 20 s',
  async run(stage, watch) {
    const site = await stage.site(1)
    const { workspace } = site
    await ask(portOf(site), serviceAsks(site))
    await workspace.setFaults({ dropApiAnswer: true })
    await workspace.mark()
    const outcomes: Outcome[] = []
    for (let round = 0; round < 20; round += 1) {
      outcomes.push(...(await Promise.all(times(20, () => ask(portOf(site), serviceAsks(site))))))
      await pause(100)
    }
    const attempts = (await workspace.seen()).filter(isQuery).length
    watch.expect(attempts <= 1.1 * outcomes.length, `${attempts} attempts for 400 calls`)
    const last = outcomes.slice(-20)
    // One of them may be the try by which the breaker finds out.
    const told = last.filter(({ retryAfter }) => Number(retryAfter) > 0)
    watch.expect(
      told.length >= last.length - 1,
      `the last of them: ${tally(last)}, with Retry-After`
    )
    await workspace.resetFaults()
    const isServed = async () => (await ask(portOf(site), serviceAsks(site))).status === 200
    const tookMs = await until(isServed, 20_000, 200)
    watch.expect(tookMs !== null, `served ${seconds(tookMs)} after it was back`)
  }
}

const strangers: readonly ((at: number) => Ask)[] = [
  (at) => ({ path: '/api/v1/me', headers: { authorization: `Bearer wfts_${at}` } }),
  (at) => ({ path: `/nothing/${at}` }),
  (at) => ({ path: `/auth/login?tenant=nobody-${at}` }),
  (at) => ({ path: `/oauth/callback/apc_${at}?state=x${at}&code=y` }),
  (at) => ({
    method: 'POST',
    path: '/oauth2/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `grant_type=client_credentials&client_id=sva_${at}&client_secret=wfts_${at}`
  })
]

export const flood: Fault = {
  name: 'flood',
  checks: 'H11',
  done: '5,000 requests of strangers: bad keys, paths that are not there, logins and callbacks that lead nowhere',
  promised:
    'no row and no MiB is kept of them beyond a bound, callers are served all the while, nothing is a 500',
  async run(stage, watch) {
    const site = await stage.site(1)
    const [replica] = site.replicas
    if (replica === undefined) throw new TypeError('no replica')
    const rowsNow = async () => {
      const [row] = await site.world.sql<{ count: string }>(
        `SELECT (SELECT count(*) FROM login_attempts) + (SELECT count(*) FROM sign_in_attempts)
              + (SELECT count(*) FROM audit_events) + (SELECT count(*) FROM sessions) AS count`
      )
      return Number(row?.count)
    }
    await ask(replica.port, serviceAsks(site))
    const warm = times(500, (at) => ask(replica.port, strangers[at % 5]?.(at) ?? { path: '/' }))
    await Promise.all(warm)
    const rows = await rowsNow()
    const before = await takeSample(replica.pid, replica.adminPort, 0)
    const load = startLoad(() => replica.port, serviceAsks(site), 2)
    const outcomes: Outcome[] = []
    for (let round = 0; round < 50; round += 1) {
      const some = times(100, (at) =>
        ask(replica.port, strangers[at % 5]?.(round * 100 + at) ?? { path: '/' })
      )
      outcomes.push(...(await Promise.all(some)))
    }
    const served = await load.stop()
    const after = await takeSample(replica.pid, replica.adminPort, 0)
    const grown = (after?.rssMiB ?? 0) - (before?.rssMiB ?? 0)
    // Each call of a caller is on the record.
    const kept = (await rowsNow()) - rows - served.length
    watch.expect(kept <= 100, `rows kept of them: ${Math.max(0, kept)}`)
    watch.expect(grown < 128, `memory +${grown.toFixed(0)} MiB`)
    const isRefused = outcomes.every(({ status }) => status >= 300 && status < 500)
    watch.expect(isRefused, `they were answered: ${tallyStatuses(outcomes)}`)
    watch.expect(failed(served).length === 0, `callers: ${tally(served)}`)
  }
}

function tallyStatuses(outcomes: readonly Outcome[]): string {
  return tally(outcomes.map((one) => ({ ...one, code: null })))
}

/** Takes nothing of what it asked for until `over`; then it hears that it was cut. */
function neverReads(
  port: number,
  { path, headers = {}, body = '' }: Ask,
  over: Promise<void>
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').pause()
    const lines = Object.entries({ ...headers, host: new URL(publicUrl).host }).map(
      ([name, value]) => `${name}: ${value}`
    )
    const head = [`POST ${path} HTTP/1.1`, ...lines, `content-length: ${body.length}`]
    socket.on('error', () => undefined)
    socket.once('close', () => resolve())
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    void over.then(() => socket.resume())
  })
}

export const slowClients: Fault = {
  name: 'slow-clients',
  checks: 'H1 H2 T6',
  done: '50 clients each that trickle headers, that trickle a body, and 20 that never read 32 MiB',
  promised: 'each is cut within 15 s, memory is bounded, callers are served all the while',
  async run(stage, watch) {
    const site = await stage.site(1)
    const [replica] = site.replicas
    if (replica === undefined) throw new TypeError('no replica')
    const { port } = replica
    const person = await site.person()
    const big = personAsks(person, site.fabricId)
    await ask(port, big)
    await ask(port, serviceAsks(site))
    const before = await takeSample(replica.pid, replica.adminPort, 0)
    const load = startLoad(() => port, serviceAsks(site), 2)
    site.world.server.apiAnswer = { status: 200, body: 'x'.repeat(32 * 1024 * 1024) }
    const host = `Host: ${new URL(publicUrl).host}`
    const key = `Authorization: Bearer ${site.serviceKey}`
    const bodyHead = `POST ${serviceAsks(site).path} HTTP/1.1\r\n${host}\r\n${key}\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n`
    const over = Promise.withResolvers<void>()
    const readers = times(20, () => neverReads(port, big, over.promise))
    const trickled = await Promise.all([
      ...times(50, () => trickle(port, `GET / HTTP/1.1\r\n${host}\r\nX-Slow: `, 1_500)),
      ...times(50, () => trickle(port, bodyHead, 1_500))
    ])
    const during = await takeSample(replica.pid, replica.adminPort, 0)
    const served = await load.stop()
    const cut = /weft_slow_clients_cut_total\{[^}]*answer[^}]*\} (\d+)/
    let readersCut = 0
    await until(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${replica.adminPort}/metrics`)).text()
      readersCut = Number(cut.exec(metrics)?.[1])
      return readersCut === 20
    }, 20_000)
    over.resolve()
    const slowest = Math.max(...trickled)
    watch.expect(slowest < 15_000, `who trickled was cut after at most ${seconds(slowest)}`)
    watch.expect(readersCut === 20, `who did not read: ${readersCut} of 20 cut`)
    await Promise.all(readers)
    const grown = (during?.rssMiB ?? 0) - (before?.rssMiB ?? 0)
    watch.expect(grown < 256, `memory +${grown.toFixed(0)} MiB`)
    watch.expect(failed(served).length === 0, `callers: ${tally(served)}`)
  }
}
