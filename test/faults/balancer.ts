import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { isReady } from './calls.ts'

export interface Balancer {
  readonly port: number
  add(port: number): void
  remove(port: number): void
  close(): Promise<void>
}

const lookMs = 1_000

/**
 * A small HTTP balancer on loopback: round robin over whoever says at `/readyz` that it is ready, on
 * connections that it keeps. It tries nothing twice, so that whatever fails is seen.
 */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const ready = new Map<number, boolean>(ports.map((port) => [port, true]))
  const agent = new Agent({ keepAlive: true })
  let turn = 0
  let isOver = false

  const server = createServer((req, res) => {
    const up = [...ready].flatMap(([port, isUp]) => (isUp ? [port] : []))
    turn += 1
    const port = up[turn % up.length]
    if (port === undefined) return void res.writeHead(503).end()
    const { method, url: path, headers } = req
    const call = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      const { connection: _, 'keep-alive': __, ...passed } = answer.headers
      res.writeHead(answer.statusCode ?? 502, passed)
      answer.pipe(res)
      answer.once('error', () => res.destroy())
    })
    call.once('error', () => res.destroy())
    req.pipe(call)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  async function look(): Promise<void> {
    while (!isOver) {
      for (const port of [...ready.keys()]) {
        const isUp = await isReady(port)
        if (ready.has(port)) ready.set(port, isUp)
      }
      await pause(lookMs, undefined, { ref: false })
    }
  }
  void look()

  return {
    port: (server.address() as AddressInfo).port, // of a TCP listener it is one
    add: (port) => void ready.set(port, false),
    remove: (port) => void ready.delete(port),
    async close() {
      isOver = true
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
