import { beforeEach, describe, expect, test } from 'vitest'
import { AppError, type ProblemCode } from '../../src/base/errors.ts'
import { asId } from '../../src/base/ids.ts'
import { identityScope } from '../../src/identity/identity-scope.ts'
import { createOpenCalls, type OpenCalls } from '../../src/identity/open-calls.ts'
import { type TestClock, testClock } from '../support/vault-world/test-clock.ts'

let clock: TestClock
let versions: Map<string, number>
let calls: OpenCalls
beforeEach(() => {
  clock = testClock()
  clock.freeze()
  versions = new Map([
    ['ten_a', 1],
    ['ten_b', 1]
  ])
  calls = createOpenCalls({ versions: { current: (id) => versions.get(id) ?? null }, clock })
})

interface Watched {
  asked: number
  refusal: ProblemCode | null
  readonly ends: string[]
  readonly close: () => void
}

function begin(tenant: string): Watched {
  const ends: string[] = []
  const watched: Watched = {
    asked: 0,
    refusal: null,
    ends,
    close: calls.open(
      identityScope(asId('tenant', tenant), null),
      async () => {
        watched.asked += 1
        if (watched.refusal !== null) throw new AppError(watched.refusal)
      },
      (why) => void ends.push(why.code)
    )
  }
  return watched
}

describe('A13 D13 calls under way', () => {
  test('A13 end with the refusal that the same call would meet now, once', async () => {
    for (const refusal of ['unauthenticated', 'forbidden', 'not_found'] as const) {
      const call = begin('ten_a')
      await calls.review()
      call.refusal = refusal
      versions.set('ten_a', (versions.get('ten_a') ?? 0) + 1)
      await calls.review()
      await calls.review()
      expect(call.ends).toEqual([refusal])
    }
  })

  test('D13 a change in one tenant asks about its calls alone; without one nobody is asked', async () => {
    const [a, b] = [begin('ten_a'), begin('ten_b')]
    await calls.review()
    expect([a.asked, b.asked]).toEqual([1, 1])
    await calls.review()
    expect([a.asked, b.asked]).toEqual([1, 1])
    versions.set('ten_a', 2)
    await calls.review()
    expect([a.asked, b.asked]).toEqual([2, 1])
  })

  test('D13 a tenant whose count is not known is asked about each time', async () => {
    versions.delete('ten_a')
    const call = begin('ten_a')
    for (let n = 1; n <= 3; n += 1) {
      await calls.review()
      expect(call.asked).toBe(n)
    }
  })

  test('A13 what only time takes away ends them within five seconds too', async () => {
    const call = begin('ten_a')
    await calls.review()
    call.refusal = 'unauthenticated'
    clock.advance(4_001) // a sum of fractions may fall short
    await calls.review()
    expect(call.ends).toEqual(['unauthenticated'])
  })

  test('H5 a database that is away ends nothing', async () => {
    const call = begin('ten_a')
    for (const refusal of ['overloaded', 'internal', 'shutting_down'] as const) {
      call.refusal = refusal
      await calls.review()
    }
    expect([call.asked, call.ends]).toEqual([3, []])
    call.refusal = null
    await calls.review()
    versions.set('ten_a', 2)
    call.refusal = 'unauthenticated'
    await calls.review()
    expect(call.ends).toEqual(['unauthenticated'])
  })

  test('a call that is over is asked about no more', async () => {
    const call = begin('ten_a')
    call.close()
    await calls.review()
    expect(call.asked).toBe(0)
  })

  test('a change while a review asks is asked about in the next', async () => {
    const asked: number[] = []
    calls.open(
      identityScope(asId('tenant', 'ten_a'), null),
      async () => {
        asked.push(versions.get('ten_a') ?? 0)
        if (asked.length === 1) versions.set('ten_a', 2)
      },
      () => undefined
    )
    await calls.review()
    await calls.review()
    expect(asked).toEqual([1, 2])
  })
})
