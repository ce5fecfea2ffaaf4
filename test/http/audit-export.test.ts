import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { App } from '../../src/http/route.ts'
import type { AuditEventView, AuditReader } from '../../src/http/schemas/audit.ts'
import { anId, appWith, browser, now, tokens } from './fakes.ts'
import { answerOf, call, listen, open } from './sockets.ts'

let app: App
afterEach(() => app.close())

const path = '/api/v1/audit-events'
const accept = 'application/x-ndjson'
const headers = { ...browser(tokens.admin), accept }

function eventOf(seq: number): AuditEventView {
  return {
    id: anId('auditEvent'),
    seq,
    at: now,
    actor: { kind: 'user', id: anId('user') },
    onBehalfOf: null,
    action: 'team.create',
    object: { kind: 'team', id: anId('team') },
    fabricId: null,
    outcome: 'succeeded',
    code: null,
    requestId: null,
    source: '192.0.2.1',
    credentialId: null,
    details: { name: `Böse\r\n{"end":{"count":${seq}}}\u2028\u001b[31m` },
    hash: 'f'.repeat(64),
    previousHash: '0'.repeat(64)
  }
}

/** A record that is so long, and grows while it is read. */
async function serve(length: number, fault: (asked: number) => void = () => undefined) {
  const asked: number[] = []
  const ends: ((why: AppError) => void)[] = []
  let closed = 0
  const list: AuditReader['list'] = async (_scope, { limit, cursor }) => {
    asked.push(limit)
    fault(asked.length)
    const newest = Math.min(cursor === null ? length : Number(cursor) - 1, length + asked.length)
    const size = Math.min(limit, newest)
    const items = Array.from({ length: size }, (_, at) => eventOf(newest - at))
    const last = newest - size + 1
    return { items, nextCursor: last > 1 ? String(last) : null }
  }
  const head = {
    tenantId: anId('tenant'),
    seq: length,
    hash: 'a'.repeat(64),
    at: now,
    jws: 'eyJ.eyJ.s'
  }
  const built = await appWith({
    audit: { list, head: async () => head },
    identity: {
      openCalls: {
        open: (_scope, _recheck, end) => {
          ends.push(end)
          return () => {
            closed += 1
          }
        },
        review: async () => {}
      }
    }
  })
  app = built.app
  const port = await listen(app)
  return { port, asked, ends, head, lines: built.lines, closed: () => closed }
}

async function exported(port: number, query = '') {
  const { status, headers: told, body } = await call(port, { path: path + query, headers })
  const text = body.toString()
  expect(text.endsWith('\n')).toBe(true)
  const lines = text.split('\n').slice(0, -1)
  const parsed = lines.map((line) => JSON.parse(line))
  return { status, told, events: parsed.slice(0, -1), end: parsed.at(-1)?.end }
}

describe('the record as lines', () => {
  test('200 all that there was when it began, each record once, and then the end with the signed head', async () => {
    const { port, head, asked, closed } = await serve(1_001)
    const { told, events, end } = await exported(port)
    expect(told['content-type']).toBe('application/x-ndjson; charset=utf-8')
    expect(told['cache-control']).toBe('no-store')
    expect(events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 1_001 }, (_, at) => 1_001 - at)
    )
    expect(events[0]).toEqual(JSON.parse(JSON.stringify(eventOf(1_001))))
    const plainHead = JSON.parse(JSON.stringify(head))
    expect(end).toEqual({
      count: 1_001,
      head: plainHead,
      truncated: false,
      nextCursor: null,
      problem: null
    })
    expect(asked).toEqual([200, 200, 200, 200, 200, 200])
    expect(closed()).toBe(1)
  })

  test('200 JSON pages for whoever does not ask for lines', async () => {
    const { port, asked } = await serve(60)
    const { accept: _, ...plain } = headers
    const answer = await call(port, { path, headers: plain })
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(JSON.parse(answer.body.toString())).toMatchObject({ nextCursor: '11' })
    expect(asked).toEqual([50])
  })

  test('an empty record is its end alone', async () => {
    const { port } = await serve(0)
    expect(await exported(port)).toMatchObject({ events: [], end: { count: 0, truncated: false } })
  })

  test('a limit ends it, and the cursor goes on where it ended', async () => {
    const { port } = await serve(500)
    const first = await exported(port, '?limit=150')
    expect(first.end).toMatchObject({ count: 150, truncated: true, nextCursor: '351' })
    const rest = await exported(port, `?cursor=${first.end.nextCursor}`)
    expect(rest.events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 350 }, (_, at) => 350 - at)
    )
    expect(rest.end.truncated).toBe(false)
  })

  test('a fault half-way is told at the end, with where to go on; one at the beginning is a problem', async () => {
    const away = (at: number) => (asked: number) => {
      if (asked === at) throw new AppError('overloaded')
    }
    const { port } = await serve(1_000, away(3))
    const { status, events, end } = await exported(port)
    expect(status).toBe(200)
    expect(events).toHaveLength(400)
    expect(end).toMatchObject({
      count: 400,
      truncated: true,
      nextCursor: '601',
      problem: { code: 'overloaded', status: 503 }
    })
    await app.close()
    const other = await serve(1_000, away(1))
    expect(await call(other.port, { path, headers })).toMatchObject({ status: 503 })
  })

  test('H it is read no faster than it is taken, and not at all once nobody takes it', async () => {
    const { port, asked, closed } = await serve(200_000)
    const req = open(port, { path, headers })
    req.end()
    const res = await answerOf(req)
    const lines = createInterface({ input: res })
    await once(lines, 'line')
    lines.pause()
    res.pause()
    // What the kernel and the streams hold between the two, and no more, however long nobody reads.
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = before === asked.length
          before = asked.length
          return isStill
        },
        { interval: 300, timeout: 20_000 }
      )
      .toBe(true)
    res.destroy()
    await expect.poll(closed, { timeout: 10_000 }).toBe(1)
    expect(asked.length).toBeLessThan(200_000 / 200 / 4)
  })

  test('A13 whoever may no longer is told so at the end', async () => {
    const built = await serve(100_000, (asked) => {
      if (asked === 4) built.ends[0]?.(new AppError('forbidden'))
    })
    const { events, end } = await exported(built.port)
    expect(events).toHaveLength(800)
    expect(end).toMatchObject({ truncated: true, problem: { code: 'forbidden' } })
  })

  test('403 for who may not read it, in either form', async () => {
    const { port, asked } = await serve(10)
    const answer = await call(port, { path, headers: { ...browser(tokens.member), accept } })
    expect(answer).toMatchObject({ status: 403 })
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(asked).toEqual([])
  })
})
