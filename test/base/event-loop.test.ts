import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { watchEventLoop } from '../../src/base/event-loop.ts'

/** Holds the loop up without work for the processor. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('turns that come late again and again are seen, one long turn is not, and calm is', async () => {
  const lagMs = watchEventLoop(systemClock())
  expect(lagMs()).toBe(0)
  block(600)
  await wait(600)
  expect(lagMs(), 'one long turn').toBeLessThan(200)
  for (let turn = 0; turn < 6; turn += 1) {
    block(250)
    await wait(1)
    await nextTurn()
  }
  expect(lagMs(), 'late turns').toBeGreaterThan(150)
  await wait(1_100)
  expect(lagMs(), 'calm').toBeLessThan(200)
})
