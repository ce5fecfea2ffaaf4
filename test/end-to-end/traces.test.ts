import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attributesOf, startCollector } from '../support/collector.ts'
import { createEmptyDatabase, type EmptyDatabase, launch } from './server.ts'

let database: EmptyDatabase
let collector: Awaited<ReturnType<typeof startCollector>>

beforeEach(async () => {
  database = await createEmptyDatabase()
  collector = await startCollector()
})
afterEach(async () => {
  await collector.stop()
  await database.drop()
})

const key = randomBytes(32).toString('base64')
const traceId = '0af7651916cd43dd8448eb211c80319c'

test('I1 Weft as it is served tells a collector of its requests, the last ones before it ends, and no secret', async () => {
  const server = await launch({
    WEFT_DATABASE_URL: database.appUrl,
    WEFT_OWNER_DATABASE_URL: database.ownerUrl,
    WEFT_KEY_RING: `test-1:${key}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=canary-of-the-collector',
    OTEL_SERVICE_NAME: 'weft-test'
  })
  expect(await server.isReady, server.output()).toBe(true)
  const headers = {
    authorization: 'Bearer canary-bearer',
    traceparent: `00-${traceId}-b7ad6b7169203331-01`
  }
  const url = `${server.url}/api/v1/fabrics?q=canary-query`
  expect((await fetch(url, { headers })).status).toBe(401)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  expect(await server.stop()).toBe(0)

  const ofCall = collector.spans().filter((span) => span.traceId === traceId)
  const [root] = ofCall.filter(({ name }) => name === 'request')
  expect(root).toMatchObject({ parentSpanId: 'b7ad6b7169203331' })
  expect(attributesOf(root ?? { attributes: [] })).toMatchObject({
    'http.route': '/api/v1/fabrics',
    'http.response.status_code': 401,
    'weft.code': 'unauthenticated'
  })
  expect(ofCall.find(({ name }) => name === 'authentication')?.parentSpanId).toBe(root?.spanId)
  const routes = collector.spans().map((span) => attributesOf(span)['http.route'])
  expect(routes).not.toContain('/readyz')
  expect(collector.headers[0]?.['api-key']).toBe('canary-of-the-collector')
  const everything = Buffer.concat(collector.bodies).toString('utf8') + server.output()
  expect(everything).toContain('weft-test')
  for (const secret of ['canary', key, ...database.secrets]) {
    expect(everything).not.toContain(secret)
  }
}, 120_000)
