import { setTimeout as pause } from 'node:timers/promises'
import { ask, type Outcome, personAsks, seconds, tally } from './calls.ts'
import type { Fault } from './fault.ts'

const peopleCount = 1_000
/** Of one process at one host, as `src/vault/vault.ts` says. */
const refreshesPerHostMax = 16

/** As clients have it: longer each time, and no two alike. */
const backOffMs = (again: number) => Math.random() * Math.min(8_000, 500 * 2 ** again)

export const coldStart: Fault = {
  name: 'cold-start',
  checks: 'H9',
  done: `two replicas just started, and ${peopleCount} people with expired tokens call at once`,
  promised: `at most ${refreshesPerHostMax} token calls of a replica at a time, each token spent once, everybody served within a minute and a half, those told to wait when they come again`,
  async run(stage, watch) {
    const site = await stage.site(0)
    const { world, fabricId } = site
    const people = await Promise.all(
      Array.from({ length: peopleCount }, () => site.person(-60_000))
    )
    let now = 0
    let most = 0
    world.server.always({
      get holdBefore() {
        now += 1
        most = Math.max(most, now)
        return pause(50).then(() => {
          now -= 1
        })
      }
    })
    const replicas = [await site.launch(), await site.launch()]
    const startMs = performance.now()
    const untilMs = startMs + 90_000
    const first: Outcome[] = []
    const last = await Promise.all(
      people.map(async (person, at) => {
        const port = replicas[at % replicas.length]?.port ?? 0
        let outcome = await ask(port, personAsks(person, fabricId))
        first.push(outcome)
        for (let again = 1; outcome.status === 503 && performance.now() < untilMs; again += 1) {
          await pause(1_000 * Number(outcome.retryAfter ?? 1) + backOffMs(again))
          outcome = await ask(port, personAsks(person, fabricId))
        }
        return outcome
      })
    )
    const tookMs = performance.now() - startMs
    watch.see(`first answers: ${tally(first)}`)
    watch.expect(
      last.every(({ status }) => status === 200),
      `in the end: ${tally(last)} after ${seconds(tookMs)}`
    )
    watch.expect(most <= 2 * refreshesPerHostMax, `token calls at a time: at most ${most}`)
    const twice = people.filter(({ family }) => family.redemptions > 1 || family.isRevoked)
    watch.expect(twice.length === 0, `spent more than once: ${twice.length}`)
  }
}
