import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asId, type FabricId } from '../../src/base/ids.ts'
import type { UsageQuery } from '../../src/fabrics/usage-view.ts'
import { as, createWorld, faultOf, type World } from './world.ts'

let world: World
let id: FabricId
let today: string

const dayBefore = (days: number) => {
  const ms = Date.parse(today) - days * 24 * 60 * 60_000
  return new Date(ms).toISOString().slice(0, 10)
}

beforeAll(async () => {
  world = await createWorld()
  await world.connect()
  id = (await world.fabrics.create(as.lead, world.newFabric())).id
  today = world.clock.now().toISOString().slice(0, 10)
  const rows: [tenant: string, fabric: string, day: string, endpoint: string, actor: string][] = [
    ['ten_acme', id, today, 'llama', 'usr_member'],
    ['ten_acme', id, today, 'llama', 'usr_lead'],
    ['ten_acme', id, today, 'embed', 'usr_member'],
    ['ten_acme', id, today, '', 'usr_member'],
    ['ten_acme', id, dayBefore(29), 'llama', 'usr_member'],
    ['ten_acme', id, dayBefore(30), 'llama', 'usr_member'],
    ['ten_acme', 'fab_other', today, 'llama', 'usr_member'],
    ['ten_globex', id, today, 'llama', 'usr_member']
  ]
  for (const row of rows) {
    await world.sql(
      `INSERT INTO usage_days VALUES ($1, $2, $3, $4, 'user', $5, 4, 1, 10, 20, 3, 5, 8, 100, 70.04)`,
      row
    )
  }
})
afterAll(() => world.close())

const all: UsageQuery = {
  from: undefined,
  to: undefined,
  groupBy: ['day', 'endpoint', 'caller'],
  limit: 50,
  cursor: null
}
const ask = (query: Partial<UsageQuery> = {}, scope = as.lead) =>
  world.fabrics.usage(scope, id, { ...all, ...query })

describe('usage of a fabric', () => {
  test('the last thirty days by day, endpoint and caller, and their total', async () => {
    const usage = await ask()
    expect([usage.from, usage.to]).toEqual([dayBefore(29), today])
    expect(usage.items.map(({ day, endpoint, caller }) => [day, endpoint, caller?.id])).toEqual([
      [dayBefore(29), 'llama', 'usr_member'],
      [today, null, 'usr_member'],
      [today, 'embed', 'usr_member'],
      [today, 'llama', 'usr_lead'],
      [today, 'llama', 'usr_member']
    ])
    const figures = {
      errors: 1,
      requestBytes: 10,
      answerBytes: 20,
      inputTokens: 3,
      outputTokens: 5
    }
    const duration = { meanMs: 25, maxMs: 70 }
    expect(usage.items[0]).toMatchObject({ calls: 4, ...figures, totalTokens: 8, duration })
    expect(usage.total).toMatchObject({ calls: 20, errors: 5, totalTokens: 40, duration })
    expect(usage.nextCursor).toBeNull()
  })

  test('by one thing alone', async () => {
    const byDay = await ask({ groupBy: ['day'] })
    expect(byDay.items.map(({ day, calls }) => [day, calls])).toEqual([
      [dayBefore(29), 4],
      [today, 16]
    ])
    const byEndpoint = await ask({ groupBy: ['endpoint'] })
    expect(byEndpoint.items.map(({ endpoint, calls }) => [endpoint, calls])).toEqual([
      [null, 4],
      ['embed', 4],
      ['llama', 12]
    ])
    const byCaller = await ask({ groupBy: ['caller'] })
    expect(byCaller.items).toMatchObject([
      {
        caller: { kind: 'user', id: 'usr_lead', name: 'usr_lead' },
        calls: 4,
        day: null,
        endpoint: null
      },
      { caller: { kind: 'user', id: 'usr_member' }, calls: 16 }
    ])
  })

  test.each([['day', 'endpoint', 'caller'], ['endpoint'], ['caller', 'day']] as const)(
    'page by page nothing is missing and nothing comes twice, by %s %s %s',
    async (...groupBy) => {
      const whole = await ask({ groupBy })
      const seen: unknown[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof ask>> = await ask({ groupBy, limit: 1, cursor })
        seen.push(...page.items)
        cursor = page.nextCursor
      } while (cursor !== null)
      expect(seen).toEqual(whole.items)
    }
  )

  test('days of one’s own choice, both included, and times for their days', async () => {
    const from = dayBefore(30)
    expect((await ask({ from })).total.calls).toBe(24)
    expect((await ask({ from, to: from })).total.calls).toBe(4)
    expect((await ask({ to: dayBefore(1) })).total.calls).toBe(8)
    const timed = await ask({ from: `${from}T23:30:00-01:00`, to: `${today}T00:00:00.000Z` })
    expect([timed.from, timed.to]).toEqual([dayBefore(29), today])
    const never = await ask({ from: '2001-01-01', to: '2001-12-31' })
    expect(never).toMatchObject({ items: [], total: { calls: 0, duration: { meanMs: null } } })
  })

  test.each([
    { from: '2026-02-30' },
    { to: '2026-13-01' },
    { from: '2026-05-02', to: '2026-05-01' },
    { from: '2024-01-01', to: '2026-01-01' },
    { cursor: 'x' },
    { cursor: Buffer.from('2026-01-01 a b \u0000').toString('base64url') }
  ])('400 for %o', async (query) => {
    await expect(ask(query)).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('D1 who sees whose usage', () => {
  test('the team’s and the tenant’s admins: everybody’s', async () => {
    for (const scope of [as.lead, as.admin]) expect((await ask({}, scope)).items).toHaveLength(5)
  })

  test('a member: their own calls, and the total of all', async () => {
    const { items, total } = await ask({}, as.member)
    expect(new Set(items.map(({ caller }) => caller?.id))).toEqual(new Set(['usr_member']))
    expect(items).toHaveLength(4)
    expect(total.calls).toBe(20)
    const byEndpoint = await ask({ groupBy: ['endpoint'] }, as.member)
    expect(byEndpoint.items.find(({ endpoint }) => endpoint === 'llama')?.calls).toBe(8)
  })

  test.each(['outsider', 'stranger'] as const)(
    '404 for an %s, in the same words as for no fabric',
    async (who) => {
      const nowhere = asId('fabric', 'fab_nowhere')
      const told = await faultOf(world.fabrics.usage(as[who], id, all))
      expect(told).toMatchObject({ code: 'not_found' })
      expect(told).toEqual(await faultOf(world.fabrics.usage(as[who], nowhere, all)))
    }
  )
})
