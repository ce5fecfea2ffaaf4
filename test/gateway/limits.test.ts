import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { newId, type TenantId } from '../../src/base/ids.ts'
import { makeTenantScope } from '../../src/base/tenant-scope.ts'
import { createAdmission } from '../../src/gateway/admission.ts'
import { defaultBounds } from '../../src/gateway/bounds.ts'
import { createRates } from '../../src/gateway/rates.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { aCall, aSink, clock, fabricId, gatewayAt, type WorldOptions } from './fakes.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const tenant = (): TenantId => newId('tenant', clock)
const scopeOf = (tenantId = tenant()) =>
  makeTenantScope(
    tenantId,
    { kind: 'service_account', id: newId('serviceAccount', clock) },
    { may: () => true, teams: [] }
  )

function manualClock() {
  let ms = 0
  const manual: Clock = { now: () => new Date(ms), monotonicMs: () => ms }
  const pass = (more: number) => {
    ms += more
  }
  return { clock: manual, pass }
}

/** What a call is refused with: code, bound and wait in milliseconds; null: it is let in. */
function refusalOf(work: () => unknown, now = 0) {
  try {
    work()
    return null
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return [error.code, error.note, (error.retryAt?.getTime() ?? Number.NaN) - now]
  }
}

function admissionWith(bounds: Partial<typeof defaultBounds> = {}, lagMs = () => 0) {
  const time = manualClock()
  const all = { ...defaultBounds, ...bounds }
  const made = createAdmission({ clock: time.clock, bounds: all, lagMs, random: () => 0 })
  return { ...time, admission: made, enter: (id = tenant()) => refusalOf(() => made.enter(id)) }
}

/** A workspace that answers when it is told to, and a gateway in front of it. */
async function world(options: Partial<WorldOptions> = {}) {
  const held: (() => void)[] = []
  const workspace = await httpServer((_req, res) => {
    held.push(() => res.end('fine'))
  })
  const made = gatewayAt({ workspaceOrigin: `http://127.0.0.1:${workspace.port}`, ...options })
  closers.push(made.close, workspace.close)
  const ask = async (more: Parameters<typeof aCall>[0] = {}) => {
    const client = aSink()
    const code = await made.gateway.handle(aCall(more), client.sink).then(
      () => null,
      (error) => (error instanceof AppError ? error.code : 'fault')
    )
    return code ?? client.seen.status
  }
  const arrived = async (count: number) => {
    await expect.poll(() => held.length, { interval: 5 }).toBe(count)
  }
  const release = () => {
    for (const answer of held.splice(0)) answer()
  }
  return { ...made, ask, arrived, release }
}

describe('H7 requests per minute', () => {
  test('a minute’s worth at once, then as the minute goes, and a refused one takes nothing', () => {
    const { clock: time, pass } = manualClock()
    const rates = createRates(time)
    const taken = () => Array.from({ length: 10 }, () => rates.take('a', 6))
    expect(taken()).toEqual([0, 0, 0, 0, 0, 0, 10_000, 10_000, 10_000, 10_000])
    pass(9_999)
    expect(rates.take('a', 6)).toBeGreaterThan(0)
    pass(2)
    expect([rates.take('a', 6), rates.take('b', 6)]).toEqual([0, 0])
  })

  test('a changed limit holds from the next request on', () => {
    const rates = createRates(manualClock().clock)
    expect(rates.take('a', 1_000)).toBe(0)
    expect([rates.take('a', 1), rates.take('a', 1)]).toEqual([0, 60_000])
  })

  test('who asks no more is forgotten within two minutes, who asks on is not', () => {
    const { clock: time, pass } = manualClock()
    const rates = createRates(time)
    for (let i = 0; i < 10_000; i += 1) rates.take(`once ${i}`, 6)
    for (let i = 0; i < 6; i += 1) rates.take('on', 6)
    pass(60_000)
    rates.take('on', 1)
    pass(60_000)
    rates.take('other', 6)
    expect(rates.size).toBeLessThanOrEqual(2)
  })

  test('429 with the time to come again; counted, not recorded; other fabrics untouched', async () => {
    const { ask, gateway, events, release, arrived } = await world({
      fabric: { requestsPerMinute: 2 }
    })
    const let2 = [ask(), ask()]
    await arrived(2)
    release()
    expect(await Promise.all(let2)).toEqual([200, 200])
    const client = aSink()
    const error = await gateway.handle(aCall(), client.sink).catch((thrown) => thrown)
    expect([error.code, error.status, client.seen.status]).toEqual(['rate_limited', 429, null])
    const waitMs = error.retryAt.getTime() - clock.now().getTime()
    expect(waitMs).toBeGreaterThan(20_000)
    expect(waitMs).toBeLessThanOrEqual(30_000)
    expect(gateway.load().refused.rate).toBe(1)
    expect(events).toHaveLength(2)
    const other = ask({ fabricId: newId('fabric', clock) })
    await arrived(1)
    release()
    expect(await other).toBe(200)
  })
})

describe('H6 H7 calls in flight', () => {
  test.each([
    ['callsPerCallerMax', 'rate_limited', { scope: scopeOf() }],
    ['callsPerFabricMax', 'rate_limited', { scope: scopeOf(), fabricId: newId('fabric', clock) }],
    ['callsPerHostMax', 'overloaded', null]
  ] as const)('%s: one more is %s, and room is given back', async (bound, code, another) => {
    const { ask, arrived, release, gateway } = await world({ bounds: { [bound]: 3 } })
    const first = [ask(), ask(), ask()]
    await arrived(3)
    expect(await ask()).toBe(code)
    const isElsewhere = another !== null
    const elsewhere = isElsewhere ? ask(another) : null
    if (isElsewhere) await arrived(4)
    release()
    expect(await Promise.all([...first, ...(elsewhere ? [elsewhere] : [])])).not.toContain(code)
    const next = [ask(), ask(), ask()]
    await arrived(3)
    release()
    expect(await Promise.all(next)).toEqual([200, 200, 200])
    expect(Object.values(gateway.load().refused).reduce((a, b) => a + b)).toBe(1)
  })

  test('room is given back by calls that fail and by clients that leave', async () => {
    let isRefusing = true
    const leaving = new AbortController()
    const { ask, arrived, release } = await world({
      bounds: { callsPerCallerMax: 1 },
      tokenFailure: () => (isRefusing ? new AppError('sign_in_needed') : null)
    })
    expect([await ask(), await ask()]).toEqual(['sign_in_needed', 'sign_in_needed'])
    isRefusing = false
    const left = ask({ signal: leaving.signal })
    await arrived(1)
    leaving.abort()
    await left
    const last = ask()
    await arrived(2)
    release()
    expect(await last).toBe(200)
  })

  test('the process has a bound of its own, and says when to come again', () => {
    const { enter, admission } = admissionWith({ callsMax: 2, crowdedAt: 2 })
    const one = tenant()
    const leave = admission.enter(one)
    expect(enter()).toBeNull()
    expect(enter()).toEqual(['overloaded', 'process', 1_000])
    leave()
    expect(enter()).toBeNull()
    expect(admission.inFlight).toBe(2)
  })

  test('a tenant alone in the process leaves room for whoever comes next', () => {
    const { enter } = admissionWith({ callsMax: 100, crowdedAt: 75 })
    const loud = tenant()
    for (let i = 0; i < 75; i += 1) expect(enter(loud)).toBeNull()
    expect(enter(loud)).toEqual(['rate_limited', 'tenant', 1_000])
    const quiet = tenant()
    for (let i = 0; i < 25; i += 1) expect(enter(quiet)).toBeNull()
    expect(enter(quiet)).toEqual(['overloaded', 'process', 1_000])
  })

  test('in a crowd, who is below their share is let in while who is above is not', () => {
    const { enter } = admissionWith({ callsMax: 100, crowdedAt: 60 })
    const loud = tenant()
    for (let i = 0; i < 60; i += 1) enter(loud)
    for (let i = 0; i < 10; i += 1) {
      expect(enter(loud)?.[1]).toBe('tenant')
      expect(enter()).toBeNull()
    }
  })
})

describe('H6 a late event loop', () => {
  test('takes no new call, and says when to come again', async () => {
    let lagMs = 201
    const { enter, admission } = admissionWith({}, () => lagMs)
    expect(enter()).toEqual(['overloaded', 'lag', 1_000])
    lagMs = 200
    expect(enter()).toBeNull()
    expect(admission.refused.lag).toBe(1)
  })
})

test('fabrics and callers of a call are those of its scope, not names that could clash', async () => {
  const { ask, arrived, release } = await world({ bounds: { callsPerCallerMax: 1 } })
  const { actor } = scopeOf()
  const scopes = [tenant(), tenant()].map((tenantId) =>
    makeTenantScope(tenantId, actor, { may: () => true, teams: [] })
  )
  const both = scopes.map((scope) => ask({ scope, fabricId }))
  await arrived(2)
  release()
  await nextTurn()
  expect(await Promise.all(both)).toEqual([200, 200])
})
