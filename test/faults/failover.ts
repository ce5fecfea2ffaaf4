import { setTimeout as pause } from 'node:timers/promises'
import { startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { ask, failed, type Outcome, type Person, personAsks, tally, until } from './calls.ts'
import { promisedOfOutages, weather } from './database.ts'
import type { Fault } from './fault.ts'
import { startPair } from './pair.ts'
import type { Site } from './stage.ts'

const peopleCount = 60
const patienceMs = 60_000

/** People whose tokens have expired call one after the other, each again and again until told for good. */
function refreshesOf({ replicas, fabricId }: Site, people: readonly Person[]) {
  const ends: Outcome[] = []
  const waiting = [...people]
  let loops: Promise<unknown>[] = []
  async function loop(port: number): Promise<void> {
    const untilMs = performance.now() + patienceMs
    for (let person = waiting.shift(); person !== undefined; person = waiting.shift()) {
      let end = await ask(port, personAsks(person, fabricId))
      while ((end.status === 503 || end.status === 0) && performance.now() < untilMs) {
        await pause(500)
        end = await ask(port, personAsks(person, fabricId))
      }
      ends.push(end)
    }
  }
  return {
    begin() {
      loops = replicas.flatMap(({ port }) => [loop(port), loop(port)])
    },
    told: () => ends.length,
    async all() {
      await Promise.all(loops)
      return ends
    }
  }
}

export const failover: Fault = {
  name: 'failover',
  checks: 'H5 F6 F7',
  done: 'kill -9 of a primary that a standby follows synchronously, in the midst of refreshes; 6 s later the standby is promoted and the address leads to it',
  promised: `${promisedOfOutages}; no refresh that a caller was told of is lost, and each token is spent once`,
  async run(stage, watch) {
    const pair = await startPair(stage)
    const target = targetOf(pair.primary.superuserUrl)
    const address = await startFaultProxy(target)
    stage.defer(address.close)
    const site = await stage.site(2, viaPort(pair.primary.superuserUrl, address.port))
    const people: Person[] = []
    while (people.length < peopleCount) people.push(await site.person(-60_000))
    const refreshes = refreshesOf(site, people)
    let toldBefore = 0
    await weather(
      site,
      watch,
      {
        async begin() {
          refreshes.begin()
          await until(() => refreshes.told() >= peopleCount / 4, patienceMs, 10)
          await pair.kill()
          toldBefore = refreshes.told()
        },
        async end() {
          await pair.promote()
          address.target = targetOf(pair.standby.superuserUrl)
        }
      },
      6_000
    )
    const ends = await refreshes.all()
    watch.expect(
      toldBefore > 0 && toldBefore < peopleCount,
      `${toldBefore} of ${peopleCount} had been told of their refresh when it was killed`
    )
    watch.expect(
      ends.length === peopleCount && failed(ends).length === 0,
      `those who asked until it was well: ${tally(ends)}`
    )
    await judge(site, people, watch)
  }
}

/** Whatever is stored by now is used once more: of a spent token the provider would end the whole family. */
async function judge(
  { world, replicas, fabricId }: Site,
  people: readonly Person[],
  watch: Parameters<Fault['run']>[1]
): Promise<void> {
  const once = people.filter(({ family }) => family.redemptions === 1)
  watch.expect(once.length === people.length, `spent exactly once: ${once.length}`)
  world.server.books.killAccessTokens()
  const again: Outcome[] = []
  const waiting = [...people]
  const loops = [...replicas, ...replicas].map(async ({ port }) => {
    for (let person = waiting.pop(); person !== undefined; person = waiting.pop()) {
      again.push(await ask(port, personAsks(person, fabricId)))
    }
  })
  await Promise.all(loops)
  watch.expect(
    again.every(({ status }) => status === 200),
    `each refreshed once more: ${tally(again)}`
  )
}
