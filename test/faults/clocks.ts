import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ask, failed, personAsks, startLoad, tally } from './calls.ts'
import type { Fault } from './fault.ts'

/** Debian's package puts it below the architecture's folder. */
export function findFaketime(): string | null {
  const root = '/usr/lib'
  const folders = existsSync(root) ? readdirSync(root).filter((name) => name.includes('linux')) : []
  const paths = folders.map((name) => join(root, name, 'faketime', 'libfaketime.so.1'))
  return paths.find((path) => existsSync(path)) ?? null
}

const minuteMs = 60_000

export const clockSteps: Fault = {
  name: 'clock-steps',
  checks: 'G10',
  done: 'the machine’s clock of one replica 10 min ahead, and set to 10 min behind in the middle of a refresh',
  promised:
    'no early refresh, one redemption, the new token’s end as the database’s clock tells it; no call fails',
  obstacle: () =>
    findFaketime() === null ? 'libfaketime is not installed (Debian: libfaketime)' : null,
  async run(stage, watch) {
    const site = await stage.site(0)
    const { world, fabricId } = site
    const file = join(await stage.folder(), 'time')
    const set = (offset: string) => writeFileSync(file, `${offset}\n`)
    set('+10m')
    const { port, output } = await site.launch({
      env: {
        LD_PRELOAD: findFaketime() ?? '',
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1'
      }
    })
    const timesTold = () =>
      [...output().matchAll(/"time":(\d+)/g)].map(([, time]) => Number(time) - Date.now())
    const isAhead = timesTold().some((ms) => ms > 9 * minuteMs)
    watch.expect(isAhead, isAhead ? 'its log is ten minutes ahead' : 'its clock was not moved')
    const fresh = await site.person()
    const expired = await site.person(-minuteMs)
    const load = startLoad(() => port, personAsks(fresh, fabricId), 2)
    await pause(2_000)
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const before = world.server.requests.length
    const call = ask(port, personAsks(expired, fabricId))
    await world.server.arrived(before + 1)
    set('-10m')
    await pause(1_500)
    held.resolve()
    const outcome = await call
    await pause(1_500)
    const outcomes = [...(await load.stop()), outcome]
    watch.expect(
      timesTold().some((ms) => ms < -9 * minuteMs),
      'then its log is ten minutes behind'
    )
    watch.expect(failed(outcomes).length === 0, `calls: ${tally(outcomes)}`)
    const redemptions = [fresh, expired].map(({ family }) => family.redemptions).join(' and ')
    watch.expect(
      redemptions === '0 and 1',
      `redemptions of a fresh and an expired token: ${redemptions}`
    )
    const state = await world.stateOf(expired.grantId)
    const lifeMs = (state?.access_expires_at?.getTime() ?? 0) - Date.now()
    const isRight = Math.abs(lifeMs - 60 * minuteMs) < minuteMs
    watch.expect(isRight, `the new token ends in ${(lifeMs / minuteMs).toFixed(1)} min of 60`)
  }
}
