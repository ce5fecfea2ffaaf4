import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { createTracing, type Tracing } from '../../src/tracing/tracing.ts'
import { canariesIn } from '../support/canary.ts'
import { attributesOf, type ReceivedSpan, startCollector } from '../support/collector.ts'
import { createPlatform, type Platform, platformHost } from '../support/platform.ts'
import { call } from './sockets.ts'

let platform: Platform
let plain: Platform
let collector: Awaited<ReturnType<typeof startCollector>>
let tracing: Tracing
let spans: ReceivedSpan[] = []
const principal = { clientId: 'principal', clientSecret: 'canary-secret-of-the-principal' }
const canaries = [
  principal.clientSecret,
  'canary-in-the-body',
  'canary-in-the-query',
  'canary-in-a-header'
]
const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const named = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'rojo=1,congo=2' }

/** A service account's call of a serving endpoint, in which the first token has to be got. */
async function ask(on: Platform, headers: Record<string, string> = {}, path = 'invocations') {
  const { tenantId, teamId } = await on.world.rows.tenant(`t${Math.random().toString(36).slice(2)}`)
  const connection = await on.appConnection(tenantId, 'canary-secret-of-the-client')
  const fabricId = await on.fabric({ tenantId, teamId }, connection.id, principal)
  const accountId = await on.serviceAccount(tenantId, [fabricId])
  const { key } = await on.serviceKey(tenantId, accountId)
  canaries.push(key)
  const from = on.world.server.traces.length
  const answer = await call(
    on.port,
    {
      method: 'POST',
      path: `/fabrics/${fabricId}/serving-endpoints/probe/${path}?q=canary-in-the-query`,
      headers: {
        host: platformHost,
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'user-agent': 'canary-in-a-header',
        'x-request-id': 'canary-in-a-header',
        ...headers
      }
    },
    '{"input":"canary-in-the-body"}'
  )
  const heard = on.world.server.traces.slice(from)
  const about = (end: string) => heard.find(({ path: one }) => one.endsWith(end))
  return {
    answer,
    fabricId,
    tenantId,
    upstream: about('/invocations'),
    token: about('/token'),
    heard
  }
}

beforeAll(async () => {
  collector = await startCollector()
  const { origin } = collector
  const outbound = createOutbound({ extraOrigins: [origin], clock: systemClock(), userAgent: 'w' })
  tracing = createTracing({
    protocol: 'http/json',
    sampler: { isParentBased: true, ratio: 1 },
    resource: {},
    async send(body, contentType) {
      const url = `${origin}/v1/traces`
      const headers = { 'content-type': contentType }
      const rule = { kind: 'origin', origin } as const
      return (await outbound.request({ url, rule, method: 'POST', headers, body })).status
    }
  })
  platform = await createPlatform({ tracer: tracing.tracer })
  plain = await createPlatform()
}, 60_000)
beforeEach(() => {
  spans = []
})
afterAll(async () => {
  await platform?.close()
  await plain?.close()
  await collector?.stop()
})

test('a call is one trace from its caller to the workspace and the token endpoint, and tells no secret', async () => {
  const { answer, fabricId, tenantId, upstream, token, heard } = await ask(platform, named)
  expect(answer.status).toBe(200)
  const refused = await ask(platform, { ...named, 'x-weft-act-as': 'user' })
  expect(refused.answer.status).toBe(403)
  await tracing.close()
  spans = collector.spans()

  const ofCall = spans.filter((one) => one.traceId === traceId)
  const root = ofCall.find((one) => attributesOf(one)['weft.fabric'] === fabricId)
  expect(root).toMatchObject({ name: 'request', parentSpanId: spanId })
  const below = ofCall.filter((one) => one.parentSpanId === root?.spanId).map(({ name }) => name)
  expect(below.sort()).toEqual(['authentication', 'policy', 'route', 'token', 'upstream'])
  const find = (name: string) => ofCall.find((one) => one.name === name && one !== root)
  expect(find('refresh')?.parentSpanId).toBe(find('route')?.spanId)
  expect(find('upstream')?.events.map(({ name }) => name)).toEqual(['connected', 'first_byte'])
  expect(attributesOf(root ?? { attributes: [] })).toMatchObject({
    'http.route': '/fabrics/:fabricId/*',
    'http.response.status_code': 200,
    'weft.tenant': tenantId,
    'weft.identity': 'service_principal'
  })

  expect(upstream).toMatchObject({
    parent: `00-${traceId}-${find('upstream')?.spanId}-01`,
    state: named.tracestate
  })
  expect(token).toMatchObject({
    parent: `00-${traceId}-${find('refresh')?.spanId}-01`,
    state: null
  })
  const discovery = heard.filter(({ path }) => path.includes('.well-known'))
  expect(new Set(discovery.map(({ parent }) => parent))).toEqual(new Set([null]))

  const failed = ofCall.find((one) => one.name === 'request' && one !== root)
  expect(failed?.status.code).toBe(2)
  expect(attributesOf(failed ?? { attributes: [] })['weft.code']).toBe('forbidden')

  const everything = Buffer.concat(collector.bodies).toString('utf8')
  expect(canariesIn(everything, canaries)).toEqual([])
  const line = platform.lines.find((one) => one.fabric === fabricId)
  expect(line?.trace).toBe(traceId)
})

test('without a collector what the caller names goes on as it is, and its id into the log', async () => {
  const { upstream, token, fabricId } = await ask(plain, named)
  expect(upstream).toMatchObject({ parent: named.traceparent, state: named.tracestate })
  expect(token?.parent).toBeNull()
  expect(plain.lines.find((one) => one.fabric === fabricId)?.trace).toBe(traceId)
})

test.each([
  ['garbage', { traceparent: 'garbage', tracestate: 'a=1' }, null, null],
  ['a state without a parent', { tracestate: 'a=1' }, null, null],
  ['a state that is none', { ...named, tracestate: 'A=1' }, named.traceparent, null],
  ['nothing', {}, null, null]
] as const)('%s is dropped and never an error', async (_what, headers, parent, state) => {
  const { answer, upstream, fabricId } = await ask(plain, headers)
  expect(answer.status).toBe(200)
  expect(upstream).toMatchObject({ parent, state })
  const line = plain.lines.find((one) => one.fabric === fabricId)
  expect(line?.trace).toBe(parent === null ? undefined : traceId)
})
