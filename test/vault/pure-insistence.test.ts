import { expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { insist } from '../../src/vault/insistence.ts'

/** Fails so many times, then succeeds. */
function failing(times: number, error: Error) {
  let calls = 0
  const work = async () => {
    calls += 1
    if (calls <= times) throw error
    return calls
  }
  return { work, calls: () => calls }
}

test('F6 an outage of the database is waited for, as often as it was told to', async () => {
  const away = new AppError('overloaded')
  expect(await insist(failing(2, away).work, [0, 0])).toBe(3)
  const longer = failing(3, away)
  await expect(insist(longer.work, [0, 0])).rejects.toBe(away)
  expect(longer.calls()).toBe(3)
})

test('whatever is no outage is told at once', async () => {
  for (const error of [new AppError('not_found'), new TypeError('a fault of ours')]) {
    const { work, calls } = failing(1, error)
    await expect(insist(work, [0, 0])).rejects.toBe(error)
    expect(calls()).toBe(1)
  }
})

test('work that succeeds is done once', async () => {
  expect(await insist(failing(0, new TypeError()).work)).toBe(1)
})
