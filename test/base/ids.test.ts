import { expect, test } from 'vitest'
import { type Clock, plusMs } from '../../src/base/clock.ts'
import { type IdKind, idPattern, idPrefixes, newId } from '../../src/base/ids.ts'

const start = new Date('2026-11-21T12:00:00Z')
const kinds = Object.keys(idPrefixes) as IdKind[] // the keys of a literal object

function clockAt(date: Date): Clock {
  return { now: () => date, monotonicMs: () => 0 }
}

test.each(kinds)(
  '%s: an id has its prefix and matches its pattern, and no other kind does',
  (kind) => {
    const id = newId(kind, clockAt(start))
    expect(id.startsWith(`${idPrefixes[kind]}_`)).toBe(true)
    expect(kinds.filter((other) => new RegExp(idPattern(other)).test(id))).toEqual([kind])
  }
)

test('the prefixes of the contract', () => {
  const { tenant, team, user, appConnection, fabric, grant, serviceAccount, key, auditEvent } =
    idPrefixes
  expect([
    tenant,
    team,
    user,
    appConnection,
    fabric,
    grant,
    serviceAccount,
    key,
    auditEvent
  ]).toEqual(['ten', 'team', 'usr', 'apc', 'fab', 'grt', 'sva', 'key', 'aud'])
  expect(new Set(Object.values(idPrefixes)).size).toBe(kinds.length)
})

test('ids sort by time', () => {
  const steps = [0, 1, 2, 999, 60_000, 86_400_000, 40 * 365 * 86_400_000]
  const ids = steps.map((ms) => newId('fabric', clockAt(plusMs(start, ms))))
  expect([...ids].sort()).toEqual(ids)
})

test('ids of one instant differ', () => {
  const ids = Array.from({ length: 10_000 }, () => newId('fabric', clockAt(start)))
  expect(new Set(ids).size).toBe(10_000)
})

test.each([
  'fab_',
  'fab_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  'fab_01arz3ndektsv4rrffq69g5fa',
  'fab_01arz3ndektsv4rrffq69g5favx',
  'fab_01arz3ndektsv4rrffq69g5fai',
  'fab_01arz3ndektsv4rrffq69g5fa/',
  'xfab_01arz3ndektsv4rrffq69g5fav',
  '..'
])('%s is no id of a fabric', (text) => {
  expect(new RegExp(idPattern('fabric')).test(text)).toBe(false)
})
