import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { ReplicaProcess } from '../support/replicas.ts'
import { startBalancer } from './balancer.ts'
import {
  ask,
  failed,
  isAlive,
  isReady,
  open,
  type Person,
  personAsks,
  seconds,
  serviceAsks,
  startLoad,
  tally,
  until
} from './calls.ts'
import type { Fault, Watch } from './fault.ts'
import type { Site, Stage } from './stage.ts'

const deadlineMs = 25_000
const announcedMs = 3_500

/** A connection that has been served once and keeps quiet. */
function idle(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /healthz HTTP/1.1\r\nHost: weft.test\r\n\r\n')
    socket.once('error', reject).once('data', () => resolve(socket.on('error', () => undefined)))
  })
}

async function openStream(site: Site, { port }: ReplicaProcess, person: Person) {
  const { server } = site.world
  server.apiAnswer = {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: 'data: one\n\n',
    isEndless: true
  }
  const stream = await open(port, personAsks(person, site.fabricId))
  server.apiAnswer = null
  let endMs: number | null = null
  const note = () => {
    endMs ??= performance.now()
  }
  stream.resume().on('error', note).on('close', note)
  return { stream, endMs: () => endMs }
}

/** The token endpoint has acted and does not answer yet. */
async function beginRefresh(site: Site, { port }: ReplicaProcess) {
  const person = await site.person(-60_000)
  const { server } = site.world
  const held = Promise.withResolvers<void>()
  server.next({ holdAfter: held.promise })
  const isThere = server.arrived(server.requests.length + 1)
  const call = ask(port, personAsks(person, site.fabricId))
  await isThere
  return { person, call, release: held.resolve }
}

async function judgeRefresh({ world }: Site, person: Person, watch: Watch): Promise<void> {
  const state = await world.stateOf(person.grantId)
  const token = await world.refreshTokenOf(person.grantId)
  const isStored = state?.generation === 2 && world.server.books.isAlive(String(token))
  watch.expect(
    isStored && !person.family.isRevoked && person.family.redemptions === 1,
    `the refresh was ${isStored ? 'stored' : 'lost'}, after ${person.family.redemptions} redemption(s)`
  )
}

/** @param withStream it takes as long as a stream is let: 15 s more */
async function stop(stage: Stage, watch: Watch, withStream: boolean): Promise<void> {
  const site = await stage.site(1)
  const [replica] = site.replicas
  if (replica === undefined) throw new TypeError('no replica')
  const { port, pid } = replica
  const asked = serviceAsks(site)
  await ask(port, asked)
  const reader = await site.person()
  const stream = withStream ? await openStream(site, replica, reader) : null
  const idlers = await Promise.all([idle(port), idle(port), idle(port)])
  const refresh = await beginRefresh(site, replica)
  const load = startLoad(() => port, asked)
  watch.expect(await isReady(port), 'ready before')

  const startMs = performance.now()
  process.kill(pid, 'SIGTERM')
  const notReadyMs = await until(async () => !(await isReady(port)), 2_000, 10)
  watch.expect(notReadyMs !== null, `not ready after ${seconds(notReadyMs)}`)
  watch.expect(await isAlive(port), 'alive while it leaves')
  await pause(Math.max(0, startMs + announcedMs - performance.now()))
  const served = await load.stop()
  watch.expect(failed(served).length === 0, `calls while it announces its end: ${tally(served)}`)
  process.kill(pid, 'SIGTERM')
  const isClosed = async () => (await ask(port, { path: '/healthz' })).status === 0
  const closedMs = await until(isClosed, 3_000)
  watch.expect(closedMs !== null, `a second SIGTERM: no new connection after ${seconds(closedMs)}`)
  refresh.release()
  const code = await replica.ended
  const tookMs = performance.now() - startMs
  watch.expect(code === 0, `exit ${code}`)
  watch.expect(tookMs <= deadlineMs + 1_000, `after ${seconds(tookMs)}`)
  if (stream !== null) {
    const endMs = stream.endMs()
    const isCut = endMs !== null && !stream.stream.complete
    watch.expect(isCut, `the stream was cut after ${seconds(endMs && endMs - startMs)}, not ended`)
  }
  const { status } = await refresh.call
  watch.expect(status === 200, `the call that waited for a refresh: ${status}`)
  await judgeRefresh(site, refresh.person, watch)
  for (const socket of idlers) socket.destroy()
}

const promised =
  'readiness off first, alive, no call failed, the refresh stored, exit 0 within 25 s; a second SIGTERM only hurries it'

export const quickStop: Fault = {
  name: 'stop-quick',
  checks: 'H4',
  done: 'SIGTERM under load with a refresh in flight and idle connections, then a second SIGTERM',
  promised,
  run: (stage, watch) => stop(stage, watch, false)
}

export const fullStop: Fault = {
  name: 'stop',
  checks: 'H4 T7',
  done: 'SIGTERM under load with an endless stream, a refresh in flight and idle connections, then a second SIGTERM',
  promised: `${promised}; the stream is cut at its deadline, as an error`,
  run: (stage, watch) => stop(stage, watch, true)
}

export const kill: Fault = {
  name: 'kill',
  checks: 'H4 F8',
  done: 'kill -9 of one of two replicas while it waits for the token endpoint',
  promised:
    'the other one serves on and finishes the refresh once the claim has run out, nobody signs in anew',
  async run(stage, watch) {
    const site = await stage.site(2)
    const [victim, other] = site.replicas
    if (victim === undefined || other === undefined) throw new TypeError('no replica')
    const { world } = site
    const person = await site.person(-60_000)
    world.server.next({ holdBefore: new Promise(() => undefined) })
    const isThere = world.server.arrived(world.server.requests.length + 1)
    const lost = ask(victim.port, personAsks(person, site.fabricId))
    await isThere
    await victim.kill()
    await lost
    const served = await ask(other.port, serviceAsks(site))
    watch.expect(served.status === 200, `another call on the other replica: ${tally([served])}`)
    await world.expireLease(person.grantId)
    const again = await ask(other.port, personAsks(person, site.fabricId))
    watch.expect(again.status === 200, `the same call there, the claim run out: ${tally([again])}`)
    await judgeRefresh(site, person, watch)
  }
}

export const rollingRestart: Fault = {
  name: 'rolling-restart',
  checks: 'H4',
  done: 'both replicas restarted one after the other, behind a balancer that looks at /readyz every second, under load',
  promised: '0 failed calls',
  async run(stage, watch) {
    const site = await stage.site(2)
    const balancer = await startBalancer(site.replicas.map(({ port }) => port))
    stage.defer(balancer.close)
    const person = await site.person()
    await Promise.all(site.replicas.map(({ port }) => ask(port, serviceAsks(site))))
    const services = startLoad(() => balancer.port, serviceAsks(site))
    const people = startLoad(() => balancer.port, personAsks(person, site.fabricId), 2)
    for (const replica of site.replicas) {
      const code = await replica.stop()
      watch.expect(code === 0, `exit ${code}`)
      balancer.remove(replica.port)
      const { port } = await site.launch()
      balancer.add(port)
      const upMs = await until(() => isReady(port), 10_000)
      watch.expect(upMs !== null, 'another in its place')
      // The next one leaves only when this one is known to the balancer.
      await pause(2_000)
    }
    const outcomes = [...(await services.stop()), ...(await people.stop())]
    const isKept = outcomes.length > 100 && failed(outcomes).length === 0
    watch.expect(isKept, `${outcomes.length} calls: ${tally(outcomes)}`)
  }
}
