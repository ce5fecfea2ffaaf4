import { createServer as createHttpsServer, type Server } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toLoopback } from '../outbound/fixtures.ts'
import { certificate, testCa } from '../support/tls/certificates.ts'
import { createWebhookWorld, type WebhookWorld } from './world.ts'

const hourMs = 60 * 60_000

/** One port at which a receiver takes whatever comes, by TLS or, for whoever would fall back to that, without. */
class Port {
  readonly heard: string[] = []
  plain = 0
  handshakes = 0
  readonly #sockets = new Set<Socket>()
  readonly #https: Server = createHttpsServer((req, res) => {
    this.heard.push(String(req.headers['webhook-id']))
    req.resume()
    res.writeHead(204).end()
  }).on('tlsClientError', () => undefined)
  readonly #server = createServer((socket) => {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (first) => {
      if (first[0] !== tlsHandshake) {
        this.plain += 1
        socket.end('HTTP/1.1 204 No Content\r\n\r\n')
        return
      }
      this.handshakes += 1
      socket.pause()
      socket.unshift(first)
      this.#https.emit('connection', socket)
    })
  })

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `https://workspace.test:${(this.#server.address() as AddressInfo).port}`
  }

  present(name: Parameters<typeof certificate>[0]): void {
    this.#https.setSecureContext(certificate(name))
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

const tlsHandshake = 22

let it: WebhookWorld
let port: Port
let origin: string
beforeEach(async () => {
  port = new Port()
  origin = await port.listen()
  it = await createWebhookWorld({ extraOrigins: [origin], lookup: toLoopback, ca: testCa })
})
afterEach(async () => {
  await it?.close()
  port.close()
})

describe('E7 a receiver whose certificate', () => {
  test.each([
    ['is self-signed', 'self-signed'],
    ['is another’s', 'wrong-name'],
    ['has expired', 'expired']
  ] as const)(
    '%s is told nothing, and everything in order once it has a good one',
    async (_name, bad) => {
      port.present(bad)
      const { scope } = it.world
      const url = `${origin}/hook`
      const { id } = await it.webhooks.create(scope, { name: 'hook', url, events: ['audit.*'] })
      await it.happen(3)
      await it.tell()
      expect(await it.webhooks.get(scope, id)).toMatchObject({
        status: 'failing',
        lastError: 'tls_failed',
        failures: 1
      })
      expect((await it.webhooks.test(scope, id)).error).toBe('tls_failed')
      it.world.clock.advance(hourMs)
      await it.tell()
      expect(port.handshakes).toBe(3)
      expect({ heard: port.heard, plain: port.plain }).toEqual({ heard: [], plain: 0 })
      const { items } = await it.webhooks.deliveries(scope, id, { limit: 9, cursor: null })
      const failed = { status: null, error: 'tls_failed' }
      expect(items).toMatchObject([
        { kind: 'event', attempt: 2, ...failed },
        { kind: 'test', ...failed },
        { kind: 'event', attempt: 1, ...failed }
      ])

      port.present('valid')
      it.world.clock.advance(hourMs)
      await it.tell()
      const events = await it.world.sql<{ id: string }>('SELECT id FROM audit_events ORDER BY seq')
      expect(port.heard).toEqual(events.slice(1).map((event) => event.id))
      expect(await it.webhooks.get(scope, id)).toMatchObject({ status: 'active', lastError: null })
    }
  )
})
