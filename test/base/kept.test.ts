import { expect, test } from 'vitest'
import { kept } from '../../src/base/kept.ts'

test('made once for all who want it, at the same moment and later', async () => {
  let makings = 0
  const get = kept(async () => {
    makings += 1
    return {}
  })
  const [one, other] = await Promise.all([get(), get()])
  expect(makings).toBe(1)
  expect(other).toBe(one)
  expect(await get()).toBe(one)
  expect(makings).toBe(1)
})

test('nothing is made before it is wanted', () => {
  kept(() => expect.unreachable())
})

test('a failure is told to all who waited, and is not kept', async () => {
  let makings = 0
  const get = kept(async () => {
    makings += 1
    if (makings === 1) throw new Error('away')
    return makings
  })
  const settled = await Promise.allSettled([get(), get()])
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(makings).toBe(1)
  expect(await get()).toBe(2)
  expect(await get()).toBe(2)
})
