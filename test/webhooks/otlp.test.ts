import { JsonLogsSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AuditEventRow } from '../../src/store/audit-events.ts'
import { exportLogsRequest } from '../../src/webhooks/otlp-records.ts'
import { status } from './receiver.ts'
import { createWebhookWorld, publicUrl, type WebhookWorld } from './world.ts'

let it: WebhookWorld
const headers = { authorization: 'Bearer collector' }

beforeEach(async () => {
  it = await createWebhookWorld()
})
afterEach(() => it.close())

const collector = () =>
  it.replica({ url: `${it.receiver.origin}/v1/logs`, readHeaders: () => headers })

interface Sent {
  readonly tenant: string
  readonly seqs: readonly number[]
}

/** What came, request by request. */
function sent(): Sent[] {
  return it.receiver.received.map(({ body }) => {
    const { resourceLogs } = JSON.parse(body)
    const [{ resource, scopeLogs }] = resourceLogs
    const attributeOf = (list: { key: string; value: Record<string, string> }[], key: string) =>
      Object.values(list.find((one) => one.key === key)?.value ?? {})[0] ?? ''
    return {
      tenant: attributeOf(resource.attributes, 'weft.tenant.id'),
      seqs: scopeLogs[0].logRecords.map(({ attributes }: { attributes: never[] }) =>
        Number(attributeOf(attributes, 'weft.audit.seq'))
      )
    }
  })
}

test('every tenant’s record leaves from its first event on, in order, in batches', async () => {
  const other = await it.tenant('globex')
  await it.happen(250)
  await it.happen(2, 'login', other)
  const courier = collector()
  await it.tell(courier)
  const { tenantId } = it.world.scope
  const of = (tenant: string) => sent().filter((one) => one.tenant === tenant)
  expect(of(tenantId).flatMap(({ seqs }) => seqs)).toEqual(
    Array.from({ length: 250 }, (_, index) => index + 1)
  )
  expect(of(tenantId)).toHaveLength(2)
  expect(of(other.tenantId)).toEqual([{ tenant: other.tenantId, seqs: [1, 2] }])
  expect(it.receiver.received[0]).toMatchObject({ path: '/v1/logs', headers })
  await it.tell(courier)
  expect(it.receiver.received).toHaveLength(3)
  expect(courier.standing()).toMatchObject({ waiting: { otlp: 0 }, failing: { otlp: 0 } })
})

test('a collector that is away or refuses is asked until it takes it, for however long', async () => {
  const courier = collector()
  await it.happen(3)
  it.receiver.usual = status(503, { 'retry-after': '60' })
  for (let day = 0; day < 5; day += 1) {
    await it.tell(courier)
    expect(it.receiver.received).toHaveLength(day + 1)
    it.world.clock.advance(24 * 60 * 60_000)
  }
  expect(courier.standing()).toMatchObject({ waiting: { otlp: 3 }, failing: { otlp: 1 } })
  expect(await it.streamOf('otlp')).toMatchObject({ state: 'active', last_error: 'not_2xx' })
  it.receiver.usual = status(200)
  await it.tell(courier)
  expect(sent().at(-1)?.seqs).toEqual([1, 2, 3])
  await it.tell(courier)
  expect(it.receiver.received).toHaveLength(6)
})

test('where no collector is named, no tenant has such a stream', async () => {
  await it.happen(1)
  await it.tell()
  expect(await it.world.sql('SELECT FROM audit_streams')).toEqual([])
})

test('a request has the very shape that OpenTelemetry’s own serializer gives it', () => {
  const at = new Date('2026-11-22T07:00:00.250Z')
  const observedAt = new Date('2026-11-22T07:00:01.000Z')
  const event: AuditEventRow = {
    tenantId: 'ten_1',
    seq: 7n,
    id: 'aud_1',
    at,
    actorKind: 'user',
    actorId: 'usr_1',
    onBehalfOf: null,
    action: 'fabric.update',
    objectKind: 'fabric',
    objectId: 'fab_1',
    fabricId: 'fab_1',
    outcome: 'succeeded',
    code: null,
    requestId: 'request-1',
    source: null,
    credentialId: null,
    details: { name: 'Sales', count: 3, share: 0.5, isDefault: true, changed: ['name', 'kind'] },
    previousHash: 'a',
    hash: 'b'
  }
  const tenant = { id: 'ten_1', slug: 'acme', name: 'Acme' }
  const ours = exportLogsRequest([event], { tenant, publicUrl }, observedAt)
  const hr = (time: Date): [number, number] => [
    Math.floor(time.getTime() / 1_000),
    (time.getTime() % 1_000) * 1_000_000
  ]
  const record = {
    hrTime: hr(at),
    hrTimeObserved: hr(observedAt),
    severityNumber: 9,
    severityText: 'INFO',
    eventName: 'weft.fabric.update',
    body: { name: 'Sales', count: 3, share: 0.5, isDefault: true, changed: ['name', 'kind'] },
    resource: {
      attributes: {
        'service.name': 'weft',
        'weft.public_url': publicUrl,
        'weft.tenant.id': 'ten_1',
        'weft.tenant.slug': 'acme'
      }
    },
    instrumentationScope: { name: 'weft.audit' },
    attributes: {
      'event.id': 'aud_1',
      'weft.audit.action': 'fabric.update',
      'weft.audit.outcome': 'succeeded',
      'weft.audit.actor.kind': 'user',
      'weft.audit.actor.id': 'usr_1',
      'weft.audit.object.kind': 'fabric',
      'weft.audit.object.id': 'fab_1',
      'weft.audit.seq': 7,
      'weft.audit.fabric_id': 'fab_1',
      'weft.audit.request_id': 'request-1',
      'weft.audit.hash': 'b',
      'weft.audit.previous_hash': 'a'
    },
    droppedAttributesCount: 0
  } as unknown as ReadableLogRecord // its resource is a class; the serializer reads its attributes alone
  const bytes = JsonLogsSerializer.serializeRequest([record])
  const theirs: unknown = JSON.parse(new TextDecoder().decode(bytes))
  expect(normal(ours)).toEqual(normal(theirs))
})

/** As protobuf's JSON mapping reads it: 64-bit numbers as texts or numbers, defaults left out, attributes in any order. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(normal)
    const isKeyed = items.every((item) => typeof Object(item).key === 'string')
    return isKeyed ? items.sort((a, b) => (Object(a).key < Object(b).key ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== 0)
      .map(([name, member]) => [name, name === 'intValue' ? String(member) : normal(member)])
  )
}
