import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { newId } from '../../src/base/ids.ts'
import { makeTenantScope } from '../../src/base/tenant-scope.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { aCall, aSink, clock, gatewayAt } from './fakes.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

type Answer = (res: ServerResponse, count: number) => unknown

/** A workspace that counts; `answer` is a model's, whose every call costs. */
async function world(answer: Answer = (res, count) => res.end(`answer ${count}`)) {
  let count = 0
  const keys: unknown[] = []
  const workspace = await httpServer(async (req, res) => {
    keys.push(req.headers['idempotency-key'])
    for await (const _chunk of req);
    count += 1
    answer(res, count)
  })
  let aheadMs = 0
  const early = { now: clock.now, monotonicMs: () => clock.monotonicMs() + aheadMs }
  const workspaceOrigin = `http://127.0.0.1:${workspace.port}`
  const made = gatewayAt({ workspaceOrigin, clock: early })
  closers.push(made.close, workspace.close)
  const ask = async (more: Parameters<typeof aCall>[0] = {}) => {
    const client = aSink()
    const call = aCall({ headers: { 'idempotency-key': 'k-1' }, ...more })
    const code = await made.gateway.handle(call, client.sink).then(
      () => null,
      (error) => (error instanceof AppError ? error.code : 'fault')
    )
    const isReplayed = client.header('idempotency-replayed') === 'true'
    const { status, end } = client.seen
    return { code, status, end, isReplayed, body: client.body().toString() }
  }
  const pass = (ms: number) => {
    aheadMs += ms
  }
  return { ...made, ask, pass, keys, sent: () => count }
}

describe('F41 the same Idempotency-Key', () => {
  test('is one call to the workspace, which hears the key, and one answer, byte for byte', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128])
    const { ask, sent, keys, events } = await world((res) =>
      res.writeHead(201, { 'content-type': 'application/octet-stream' }).end(bytes)
    )
    const first = await ask()
    const again = await ask()
    expect([first.isReplayed, again.isReplayed, sent()]).toEqual([false, true, 1])
    expect([again.status, again.body, again.end]).toEqual([201, first.body, 'ended'])
    expect(keys).toEqual(['k-1'])
    expect(events).toHaveLength(2)
  })

  test('while the first is under way: the repetitions wait for its answer', async () => {
    let release = () => {}
    const { ask, sent } = await world((res) => {
      release = () => res.end('late')
    })
    const all = [ask(), ask(), ask()]
    await expect.poll(sent).toBe(1)
    release()
    const answers = await Promise.all(all)
    expect(answers.map(({ body }) => body)).toEqual(['late', 'late', 'late'])
    expect([sent(), answers.filter(({ isReplayed }) => isReplayed).length]).toEqual([1, 2])
  })

  test('409 idempotency_conflict for another body or another endpoint, whatever the first is at', async () => {
    const { ask, sent } = await world()
    const [, meanwhile] = await Promise.all([ask(), ask({ body: Buffer.from('{"a":1}') })])
    expect(meanwhile.code).toBe('idempotency_conflict')
    const path = '/serving-endpoints/other/invocations'
    expect((await ask({ path })).code).toBe('idempotency_conflict')
    expect(sent()).toBe(1)
  })

  test('is sent again where the first failed, was cut, or was refused by the model', async () => {
    const { ask, sent } = await world((res, count) => {
      if (count === 1) res.writeHead(429, { 'retry-after': '1' }).end('{}')
      else if (count === 2) res.write('half', () => res.destroy())
      else res.end('whole')
    })
    expect((await ask()).status).toBe(429)
    expect((await ask()).end).toBe('destroyed')
    expect(await ask()).toMatchObject({ body: 'whole', isReplayed: false })
    expect(await ask()).toMatchObject({ body: 'whole', isReplayed: true })
    expect(sent()).toBe(3)
  })

  test('is sent for who waits, when the client of the first leaves', async () => {
    const leaving = new AbortController()
    const { ask, sent } = await world((res, count) => (count === 1 ? null : res.end('second')))
    const first = ask({ signal: leaving.signal })
    await expect.poll(sent).toBe(1)
    const second = ask()
    leaving.abort()
    await first
    expect(await second).toMatchObject({ body: 'second', isReplayed: false })
  })

  test('who waits and leaves is let go', async () => {
    const leaving = new AbortController()
    let release = () => {}
    const { ask, sent } = await world((res) => {
      release = () => res.end('first')
    })
    const first = ask()
    await expect.poll(sent).toBe(1)
    const second = ask({ signal: leaving.signal })
    leaving.abort()
    expect(await second).toMatchObject({ code: null, status: null })
    release()
    expect((await first).body).toBe('first')
    expect(sent()).toBe(1)
  })

  test('of another caller is another key', async () => {
    const { ask, sent } = await world()
    const scope = makeTenantScope(
      newId('tenant', clock),
      { kind: 'service_account', id: newId('serviceAccount', clock) },
      { may: () => true, teams: [] }
    )
    const fabricId = newId('fabric', clock)
    for (const more of [{}, { scope }, { fabricId }]) {
      expect((await ask(more)).isReplayed).toBe(false)
    }
    expect(sent()).toBe(3)
  })

  test('passes, and no more, where there is nothing to hold it against', async () => {
    const { ask, sent, keys } = await world((res) => res.end(Buffer.alloc(300_000)))
    await ask()
    await ask() // too long an answer to be kept
    await ask({ body: Readable.from([Buffer.from('{}')]), headers: { 'idempotency-key': 'k-2' } })
    await ask({ body: Readable.from([Buffer.from('{}')]), headers: { 'idempotency-key': 'k-2' } })
    await ask({ headers: {} })
    expect([sent(), keys]).toEqual([5, ['k-1', 'k-1', 'k-2', 'k-2', undefined]])
  })

  test('is forgotten after ten minutes, and the oldest when there are too many', async () => {
    const { ask, sent, pass } = await world((res) => res.end(Buffer.alloc(250_000)))
    await ask()
    pass(599_000)
    expect((await ask()).isReplayed).toBe(true)
    pass(2_000)
    expect((await ask()).isReplayed).toBe(false)
    for (let i = 0; i < 140; i += 1) await ask({ headers: { 'idempotency-key': `more ${i}` } })
    const before = sent()
    expect((await ask()).isReplayed).toBe(false)
    expect((await ask({ headers: { 'idempotency-key': 'more 139' } })).isReplayed).toBe(true)
    expect(sent() - before).toBe(1)
  })
})
