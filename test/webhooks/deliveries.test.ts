import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { taken } from './receiver.ts'
import { createWebhookWorld, publicUrl, type WebhookWorld } from './world.ts'

let it: WebhookWorld

beforeEach(async () => {
  it = await createWebhookWorld()
})
afterEach(() => it.close())

const seqs = () => it.receiver.received.map(({ seq }) => seq)
const hourMs = 60 * 60_000

describe('a webhook', () => {
  test('is told what happens from then on, all of it, in order, once', async () => {
    await it.happen(3)
    const { id } = await it.hook()
    await it.happen(45)
    await it.tell()
    // Three events before it and its own making are none of its concern.
    expect(seqs()).toEqual(Array.from({ length: 45 }, (_, index) => 5 + index))
    await it.tell()
    expect(it.receiver.received).toHaveLength(45)
    expect(await it.webhooks.get(it.world.scope, id)).toMatchObject({ status: 'active', behind: 0 })
    expect(it.failures).toEqual([])
  })

  test('hears the events that it wants, by name and by beginning, and no others', async () => {
    const { id } = await it.hook(['connection.*', 'service_principal.refused'])
    await it.happen(1, 'connection.needs_sign_in')
    await it.happen(30, 'endpoint.query')
    await it.happen(1, 'service_principal.refused')
    await it.happen(1, 'service_principal.add_secret')
    await it.happen(1, 'connection.recovered')
    await it.tell()
    expect(it.receiver.received.map(({ type }) => type)).toEqual([
      'connection.needs_sign_in',
      'service_principal.refused',
      'connection.recovered'
    ])
    expect(await it.webhooks.get(it.world.scope, id)).toMatchObject({ behind: 0 })
    await it.webhooks.update(it.world.scope, id, { version: 1, events: ['login'] })
    await it.happen(1, 'connection.recovered')
    await it.happen(1, 'login')
    await it.tell()
    expect(it.receiver.received.at(-1)?.type).toBe('login')
    expect(it.receiver.received).toHaveLength(4)
  })

  test('gets messages that an unmodified Standard Webhooks library believes, and that name no secret', async () => {
    const { secret } = await it.hook()
    await it.happen(1, 'connection.needs_sign_in')
    await it.tell()
    const [message] = it.receiver.received
    const body = message?.body ?? ''
    const believed = new Webhook(secret).verify(body, message?.headers ?? {})
    expect(believed).toMatchObject({
      type: 'connection.needs_sign_in',
      tenant: { id: it.world.scope.tenantId },
      data: {
        seq: 2,
        actor: { kind: 'system', id: 'test' },
        object: { kind: 'fabric' },
        actionUrl: `${publicUrl}/console/fabrics`
      }
    })
    const [event] = await it.world.sql('SELECT id, at FROM audit_events WHERE seq = 2')
    expect(believed).toMatchObject({ timestamp: event?.at.toISOString(), data: { id: event?.id } })
    expect(message?.headers['webhook-id']).toBe(event?.id)
    expect(() => new Webhook(secret).verify(`${body} `, message?.headers ?? {})).toThrow()
    for (const canary of it.world.canaries()) expect(body).not.toContain(canary)
  })

  test('while its secret changes over, is signed by both, and afterwards by the new one alone', async () => {
    const { id, secret: first } = await it.hook()
    const { secret: second } = await it.webhooks.rotateSecret(it.world.scope, id, 1)
    const believes = (secret: string) => {
      const message = it.receiver.received.at(-1)
      try {
        new Webhook(secret).verify(message?.body ?? '', message?.headers ?? {})
        return true
      } catch {
        return false
      }
    }
    await it.happen(1)
    await it.tell()
    expect([believes(first), believes(second)]).toEqual([true, true])
    const { secret: third } = await it.webhooks.rotateSecret(it.world.scope, id, 0)
    await it.happen(1)
    await it.tell()
    expect([first, second, third].map(believes)).toEqual([false, false, true])
    expect((await it.webhooks.get(it.world.scope, id)).secrets).toHaveLength(1)
    const rows = await it.world.sql('SELECT sealed FROM webhook_secrets')
    expect(JSON.stringify(rows)).not.toContain(third.slice(6))
  })

  test('that is paused is sent nothing and misses nothing, unless its admin wants it to', async () => {
    const { id } = await it.hook(['fabric.test'])
    const { scope } = it.world
    expect(await it.webhooks.pause(scope, id)).toMatchObject({
      status: 'paused',
      cause: 'by_admin'
    })
    await it.happen(3)
    await it.tell()
    expect(it.receiver.received).toHaveLength(0)
    expect(await it.webhooks.get(scope, id)).toMatchObject({ behind: 4 })
    await it.webhooks.resume(scope, id, false)
    await it.tell()
    expect(it.receiver.received).toHaveLength(3)
    await it.webhooks.pause(scope, id)
    await it.happen(2)
    await it.webhooks.resume(scope, id, true)
    await it.happen(1)
    await it.tell()
    expect(it.receiver.received).toHaveLength(4)
  })

  test('can be tried out and sent an event anew, whatever it is at; both stand among its tries', async () => {
    const { id } = await it.hook()
    const { scope } = it.world
    await it.happen(1)
    await it.tell()
    const eventId = it.receiver.received[0]?.headers['webhook-id'] ?? ''
    await it.webhooks.pause(scope, id)
    expect(await it.webhooks.test(scope, id)).toMatchObject({
      kind: 'test',
      status: 204,
      error: null
    })
    expect(it.receiver.received.at(-1)?.type).toBe('webhook.test')
    it.receiver.next.push((answer) => void answer.writeHead(500).end())
    // Another tenant's webhook is none, and so is its event.
    const foreign = await it.tenant('globex')
    await expect(it.webhooks.test(foreign, id)).rejects.toMatchObject({ code: 'not_found' })
    const again = it.webhooks.redeliver(
      scope,
      id,
      eventId as Parameters<typeof it.webhooks.redeliver>[2]
    )
    expect(await again).toMatchObject({ kind: 'redelivery', status: 500, error: 'not_2xx' })
    const { items } = await it.webhooks.deliveries(scope, id, { limit: 10, cursor: null })
    expect(items.map(({ kind, messageId }) => [kind, messageId === eventId])).toEqual([
      ['redelivery', true],
      ['test', false],
      ['event', true]
    ])
  })

  test('belongs to its tenant, of which there are at most twenty', async () => {
    const other = await it.tenant('globex')
    await it.hook(['fabric.test'], other)
    await it.happen(2, 'fabric.test', it.world.scope)
    await it.happen(1, 'fabric.test', other)
    await it.tell()
    expect(seqs()).toEqual([2])
    for (let count = 1; count < 20; count += 1) await it.hook(['login'], other)
    await expect(it.hook(['login'], other)).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('E what a tenant’s admin may name', () => {
  test.each([
    ['http://hooks.example.com/', 'not https'],
    ['https://127.0.0.1/', 'an address'],
    ['https://[::1]/', 'an address'],
    ['https://2130706433/', 'an address in another spelling'],
    ['https://0x7f.1/', 'an address in another spelling'],
    ['https://169.254.169.254/latest/meta-data', 'an address'],
    ['https://localhost/', 'a name of one label'],
    ['https://metadata/', 'a name of one label'],
    ['https://user@hooks.example.com/', 'a user in it'],
    ['https://hooks.example.com./', 'a trailing dot'],
    ['https://ｈooks.example.com/', 'letters beyond ASCII'],
    ['ftp://hooks.example.com/', 'another scheme'],
    ['not a url', 'no URL']
  ])('E2 E4 %s is refused: %s', async (url) => {
    const input = { name: 'x', url, events: ['audit.*'] }
    await expect(it.webhooks.create(it.world.scope, input)).rejects.toMatchObject({
      code: 'host_not_allowed'
    })
    const { id } = await it.hook()
    await expect(it.webhooks.update(it.world.scope, id, { version: 1, url })).rejects.toMatchObject(
      { code: 'host_not_allowed' }
    )
  })

  test('E3 a name that leads to a private address is never connected to', async () => {
    const { id } = await it.hook()
    // It was public when it was saved.
    await it.world.sql(`UPDATE webhooks SET url = 'https://localhost.localdomain/'`)
    expect((await it.webhooks.test(it.world.scope, id)).error).toMatch(/^(not_allowed|dns_failed)$/)
  })

  test('names of events that there are not are told, each at its place', async () => {
    const input = { name: 'x', url: `${it.receiver.origin}/`, events: ['login', 'logon', 'conn.*'] }
    await expect(it.webhooks.create(it.world.scope, input)).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/events/1' }, { pointer: '/events/2' }]
    })
  })
})

test('an update of an older version changes nothing, and a webhook that is gone is told nothing', async () => {
  const { id } = await it.hook()
  const { scope } = it.world
  await it.webhooks.update(scope, id, { version: 1, name: 'other' })
  await expect(it.webhooks.update(scope, id, { version: 1, name: 'third' })).rejects.toMatchObject({
    code: 'version_conflict'
  })
  it.world.clock.advance(hourMs)
  it.receiver.usual = taken
  await it.webhooks.remove(scope, id)
  await it.happen(1)
  await it.tell()
  expect(it.receiver.received).toHaveLength(0)
  for (const table of ['audit_streams', 'webhooks', 'webhook_secrets', 'webhook_deliveries']) {
    expect(await it.world.sql(`SELECT FROM ${table}`)).toEqual([])
  }
})
