import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { createTracing, type TracingOptions } from '../../src/tracing/tracing.ts'
import { attributesOf, startCollector } from '../support/collector.ts'

let collector: Awaited<ReturnType<typeof startCollector>>
let outbound: Outbound

beforeEach(async () => {
  collector = await startCollector()
  const { origin } = collector
  outbound = createOutbound({ extraOrigins: [origin], clock: systemClock(), userAgent: 'weft' })
})
afterEach(async () => {
  await outbound.destroy()
  await collector.stop()
})

const all = { isParentBased: true, ratio: 1 }
const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), flags: 1, state: 'v=1' }

/** As main.ts makes it, on the real way out. */
function tracing(options: Partial<TracingOptions> = {}) {
  const { origin } = collector
  return createTracing({
    protocol: 'http/json',
    sampler: all,
    resource: { 'service.name': 'weft' },
    async send(body, contentType) {
      const answer = await outbound.request({
        url: `${origin}/v1/traces`,
        rule: { kind: 'origin', origin },
        method: 'POST',
        headers: { 'content-type': contentType },
        secrets: { 'api-key': new Secret('of-the-collector') },
        body
      })
      return answer.status
    },
    ...options
  })
}

test('spans reach the collector as OTLP, under whom they belong, with the resource and the operator’s header', async () => {
  const { tracer, counts, close } = tracing()
  const request = tracer.begin('request', parent, { 'http.route': '/x' })
  const upstream = request.begin('upstream', { 'weft.attempt': 1 })
  upstream.event('first_byte')
  upstream.end('upstream_timeout')
  request.end(null, { 'http.response.status_code': 200 })
  await close()

  expect(counts).toEqual({ exported: 2, lost: 0 })
  const [message] = collector.messages()
  expect(attributesOf(message?.resourceSpans[0]?.resource ?? { attributes: [] })).toMatchObject({
    'service.name': 'weft'
  })
  expect(collector.paths).toEqual(['/v1/traces'])
  expect(collector.headers[0]).toMatchObject({
    'api-key': 'of-the-collector',
    'content-type': 'application/json'
  })
  const [child, root] = collector.spans()
  expect(root).toMatchObject({ traceId: parent.traceId, parentSpanId: parent.spanId, kind: 2 })
  expect(attributesOf(root ?? { attributes: [] })).toEqual({
    'http.route': '/x',
    'http.response.status_code': 200
  })
  expect(child).toMatchObject({
    traceId: parent.traceId,
    parentSpanId: root?.spanId,
    kind: 3,
    status: { code: 2 },
    events: [{ name: 'first_byte' }]
  })
  expect(upstream.context).toMatchObject({ spanId: child?.spanId, flags: 1, state: 'v=1' })
})

test('protobuf is sent where it is asked for, which is the default of the standard', async () => {
  const { tracer, close } = tracing({ protocol: 'http/protobuf' })
  tracer.begin('request', null, {}).end(null)
  await close()
  expect(collector.headers[0]?.['content-type']).toBe('application/x-protobuf')
  expect(collector.bodies[0]?.includes('request')).toBe(true)
})

test.each([
  ['a caller who is not sampled', { ...parent, flags: 0 }, all, 0],
  [
    'a caller who is not sampled, with a sampler that does not ask',
    { ...parent, flags: 0 },
    { isParentBased: false, ratio: 1 },
    1
  ],
  [
    'a caller who is sampled, with a sampler that keeps none',
    parent,
    { isParentBased: false, ratio: 0 },
    0
  ],
  ['nobody above, and a ratio of 0', null, { isParentBased: true, ratio: 0 }, 0],
  [
    'a caller who is sampled, and a ratio of 0 for the others',
    parent,
    { isParentBased: true, ratio: 0 },
    1
  ]
] as const)('%s: the sampler decides', async (_who, above, sampler, count) => {
  const { tracer, close } = tracing({ sampler })
  const span = tracer.begin('request', above, {})
  const inner = span.begin('token')
  inner.event('connected')
  inner.end(null)
  span.end(null)
  await close()
  expect(collector.bodies.length > 0 ? collector.spans().length : 0).toBe(count * 2)
  if (above !== null) expect(span.context.traceId).toBe(above.traceId)
  expect(inner.context.flags & 1).toBe(count)
})

test('a collector that refuses costs the spans and nothing else; that is counted', async () => {
  collector.told.statuses.push(400)
  const { tracer, counts, close } = tracing()
  tracer.begin('request', null, {}).end(null)
  await close()
  expect(counts).toEqual({ exported: 0, lost: 1 })
})

test('a collector that is gone holds up no end', async () => {
  await collector.stop()
  const { tracer, counts, close } = tracing()
  tracer.begin('request', null, {}).end(null)
  const begunMs = performance.now()
  await close()
  expect(performance.now() - begunMs).toBeLessThan(8_000)
  expect(counts).toEqual({ exported: 0, lost: 1 })
})

test('what is over already is told with its own times', async () => {
  const { tracer, close } = tracing()
  const [from, to] = [new Date(1_000), new Date(3_000)]
  tracer.record('job', { 'weft.job': 'sweep' }, { from, to }, 'overloaded')
  await close()
  expect(collector.spans()).toMatchObject([
    {
      name: 'job',
      startTimeUnixNano: '1000000000',
      endTimeUnixNano: '3000000000',
      status: { code: 2 }
    }
  ])
})
