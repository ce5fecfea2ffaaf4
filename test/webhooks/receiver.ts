import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly type: string
  readonly seq: number
}

export type Behaviour = (answer: ServerResponse, request: IncomingMessage) => void

export const taken: Behaviour = (answer) => void answer.writeHead(204).end()
export const status =
  (code: number, headers: Record<string, string> = {}): Behaviour =>
  (answer) =>
    void answer.writeHead(code, headers).end()

export interface TestReceiver {
  readonly origin: string
  readonly received: Received[]
  /** What comes of the next messages, one after the other; then `usual` again. */
  readonly next: Behaviour[]
  usual: Behaviour
  /** Resolves when so many have come. */
  arrived(count: number): Promise<void>
  /** Connections are refused from now on, until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  stop(): Promise<void>
}

/** Somebody who is told: notes what came, and can fail in every way. */
export async function startReceiver(): Promise<TestReceiver> {
  const received: Received[] = []
  const next: Behaviour[] = []
  const waiting = new Set<() => void>()
  const sockets = new Set<Socket>()
  const receiver = { usual: taken }

  const server = createServer(async (request, answer) => {
    const body = await text(request).catch(() => '')
    const message: unknown = body === '' ? {} : JSON.parse(body)
    const { type, data } = Object(message)
    received.push({
      path: request.url ?? '',
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)])
      ),
      body,
      type: String(type),
      seq: Number(Object(data).seq)
    })
    const behave = next.shift() ?? receiver.usual
    behave(answer, request)
    for (const look of [...waiting]) look()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  await listen(0)
  const { port } = server.address() as AddressInfo

  return Object.assign(receiver, {
    origin: `http://127.0.0.1:${port}`,
    received,
    next,
    arrived(count: number) {
      return new Promise<void>((resolve) => {
        const look = () => {
          if (received.length < count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    },
    down: close,
    up: () => listen(port),
    async stop() {
      if (server.listening) await close()
    }
  })
}
